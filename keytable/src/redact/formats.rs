//! The forms of well-known credentials of others: how each begins, what stands behind it.
//!
//! Chosen for what stands on the same clipboard as a key of ours: model providers, clouds, code
//! hosts, chat. Does not prove that a value is in use. Invariant: no name of a model has one of
//! these forms (`keytable/tests/redact.rs`).

/// What stands behind the beginning of a credential.
#[derive(Clone, Copy)]
enum Tail {
    /// Letters and digits.
    Alnum,
    /// Those, `-` and `_`.
    Url,
    /// Those, with capitals, small letters and digits among them: for a beginning that a name could
    /// have, too.
    Mixed,
    /// Capitals and digits.
    Capitals,
    /// What an HTTP authorization scheme takes, with a digit or a `=` in it: a word of a sentence
    /// has none.
    Token,
}

/// One form.
struct Format {
    owner: &'static str,
    begins: &'static [u8],
    tail: Tail,
    /// Characters of the tail, at least.
    chars_min: usize,
}

const fn format(
    owner: &'static str,
    begins: &'static [u8],
    tail: Tail,
    chars_min: usize,
) -> Format {
    Format {
        owner,
        begins,
        tail,
        chars_min,
    }
}

const FORMATS: &[Format] = &[
    // Model providers. `sk-` is used by OpenAI, DeepSeek, Moonshot, Model Studio and others.
    format("OpenAI", b"sk-proj-", Tail::Url, 20),
    format("OpenAI", b"sk-svcacct-", Tail::Url, 20),
    format("OpenAI", b"sk-admin-", Tail::Url, 20),
    format("Anthropic", b"sk-ant-", Tail::Url, 20),
    format("OpenAI", b"sess-", Tail::Alnum, 30),
    format("OpenRouter", b"sk-or-", Tail::Url, 20),
    format("Langfuse", b"sk-lf-", Tail::Url, 20),
    format("OpenAI and its like", b"sk-", Tail::Alnum, 20),
    format("LiteLLM", b"sk-", Tail::Mixed, 20),
    format("Google", b"AIza", Tail::Url, 35),
    format("Google", b"ya29.", Tail::Url, 20),
    format("Google", b"GOCSPX-", Tail::Url, 20),
    format("Hugging Face", b"hf_", Tail::Alnum, 30),
    format("Groq", b"gsk_", Tail::Alnum, 40),
    format("xAI", b"xai-", Tail::Alnum, 40),
    format("Perplexity", b"pplx-", Tail::Alnum, 30),
    format("NVIDIA", b"nvapi-", Tail::Url, 40),
    format("Replicate", b"r8_", Tail::Alnum, 30),
    format("Cerebras", b"csk-", Tail::Alnum, 40),
    format("Together", b"tgp_v1_", Tail::Url, 30),
    format("Fireworks", b"fw_", Tail::Alnum, 20),
    format("LangSmith", b"lsv2_", Tail::Url, 30),
    format("Databricks", b"dapi", Tail::Alnum, 32),
    format("AWS Bedrock", b"ABSK", Tail::Alnum, 30),
    format("AWS Bedrock", b"bedrock-api-key-", Tail::Alnum, 20),
    format("ElevenLabs", b"sk_", Tail::Alnum, 40),
    format("Pinecone", b"pcsk_", Tail::Url, 30),
    format("Tavily", b"tvly-", Tail::Url, 24),
    format("Jina", b"jina_", Tail::Url, 30),
    format("Vercel", b"vck_", Tail::Alnum, 30),
    // Clouds.
    format("Tencent Cloud", b"AKID", Tail::Alnum, 28),
    format("Alibaba Cloud", b"LTAI", Tail::Alnum, 12),
    format("Baidu Cloud", b"bce-v3/ALTAK-", Tail::Url, 10),
    format("AWS", b"AKIA", Tail::Capitals, 16),
    format("AWS", b"ASIA", Tail::Capitals, 16),
    format("HashiCorp Vault", b"hvs.", Tail::Url, 20),
    format("Grafana", b"glsa_", Tail::Url, 30),
    format("DigitalOcean", b"dop_v1_", Tail::Alnum, 40),
    // Code hosts and registries.
    format("GitHub", b"ghp_", Tail::Alnum, 30),
    format("GitHub", b"gho_", Tail::Alnum, 30),
    format("GitHub", b"ghu_", Tail::Alnum, 30),
    format("GitHub", b"ghs_", Tail::Alnum, 30),
    format("GitHub", b"ghr_", Tail::Alnum, 30),
    format("GitHub", b"github_pat_", Tail::Url, 30),
    format("GitLab", b"glpat-", Tail::Url, 20),
    format("npm", b"npm_", Tail::Alnum, 30),
    format("PyPI", b"pypi-", Tail::Url, 40),
    format("Docker", b"dckr_pat_", Tail::Url, 20),
    // Chat, mail, payment.
    format("Slack", b"xoxb-", Tail::Url, 10),
    format("Slack", b"xoxp-", Tail::Url, 10),
    format("Slack", b"xoxa-", Tail::Url, 10),
    format("Slack", b"xoxr-", Tail::Url, 10),
    format("Slack", b"xoxs-", Tail::Url, 10),
    format("Slack", b"xapp-", Tail::Url, 20),
    format("SendGrid", b"SG.", Tail::Url, 20),
    format("Stripe", b"sk_live_", Tail::Alnum, 16),
    format("Stripe", b"sk_test_", Tail::Alnum, 16),
    format("Stripe", b"rk_live_", Tail::Alnum, 16),
    // Whoever's: the seed of a second factor as apps scan it, a private key.
    format("one-time codes", b"otpauth://", Tail::Alnum, 4),
    format("private key", b"-----BEGIN ", Tail::Capitals, 2),
];

/// By the first byte of a text, which forms begin so: a bit for each. Nearly every word of a path or a
/// name begins none, and each request has many words.
const BY_FIRST: [u64; 256] = by_first();

/// Bytes that are looked at behind the beginning of one: so that time stays linear.
const LOOKED_AT_MAX: usize = 256;
/// Schemes of `Authorization` that are known by their names.
const SCHEMES: [&[u8]; 2] = [b"bearer", b"basic"];
/// Characters of what stands behind a scheme, at least.
const SCHEME_CHARS_MIN: usize = 16;
/// Bytes of the first part of a JSON Web Token, at least.
const JWT_PART_MIN: usize = 10;
/// Zhipu's keys: 32 hexadecimal digits, a dot, 16 letters and digits.
const ZHIPU: (usize, usize) = (32, 16);

/// Whose credential stands in a text.
pub(super) fn foreign(text: &[u8]) -> Option<&'static str> {
    let mut in_word = false;
    let starts = text.iter().enumerate().filter(move |(_, byte)| {
        let is_inside = core::mem::replace(&mut in_word, byte.is_ascii_alphanumeric());
        !is_inside
    });
    starts
        .filter_map(|(at, _)| text.get(at..text.len().min(at + LOOKED_AT_MAX)))
        .find_map(begins)
}

/// The forms that begin with the first byte of a text.
fn candidates(text: &[u8]) -> impl Iterator<Item = &'static Format> {
    let first = text
        .first()
        .and_then(|byte| BY_FIRST.get(usize::from(*byte)));
    let mut left = first.copied().unwrap_or_default();
    core::iter::from_fn(move || {
        let index = usize::try_from(left.trailing_zeros()).ok()?;
        left &= left.wrapping_sub(1);
        FORMATS.get(index)
    })
}

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse"
)]
const fn by_first() -> [u64; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < FORMATS.len() {
        table[FORMATS[index].begins[0] as usize] |= 1 << index;
        index += 1;
    }
    table
}

fn begins(text: &[u8]) -> Option<&'static str> {
    let known = candidates(text).find(|format| {
        text.strip_prefix(format.begins)
            .is_some_and(|tail| format.tail.fits(tail, format.chars_min))
    });
    let scheme = || is_authorization(text).then_some("authorization header");
    let zhipu = || is_zhipu(text).then_some("Zhipu");
    let token = || is_json_web_token(text).then_some("JSON Web Token");
    known
        .map(|format| format.owner)
        .or_else(scheme)
        .or_else(zhipu)
        .or_else(token)
}

/// A scheme in letters of any case, blanks or a colon, and what the scheme takes.
fn is_authorization(text: &[u8]) -> bool {
    let behind = |scheme: &&[u8]| {
        let (word, rest) = text.split_at_checked(scheme.len())?;
        word.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let rest = SCHEMES.iter().find_map(behind).unwrap_or_default();
    let gap = count(rest, |b| matches!(b, b' ' | b'\t' | b':'));
    let token = rest.get(gap..).unwrap_or_default();
    gap > 0 && Tail::Token.fits(token, SCHEME_CHARS_MIN)
}

/// `eyJ` is how a JSON object begins in base64; a header that is longer than what is looked at is
/// one, too.
fn is_json_web_token(text: &[u8]) -> bool {
    if !text.starts_with(b"eyJ") {
        return false;
    }
    let header = count(text, in_url);
    let rest = text.get(header..).unwrap_or_default();
    let goes_on = rest.starts_with(b".eyJ") || header == LOOKED_AT_MAX;
    header >= JWT_PART_MIN && goes_on
}

fn is_zhipu(text: &[u8]) -> bool {
    let (digits, chars) = ZHIPU;
    text.split_at_checked(digits).is_some_and(|(id, secret)| {
        id.iter().all(u8::is_ascii_hexdigit)
            && secret
                .strip_prefix(b".")
                .is_some_and(|secret| count(secret, u8::is_ascii_alphanumeric) == chars)
    })
}

fn in_url(b: &u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
}

fn in_token(b: &u8) -> bool {
    in_url(b) || matches!(b, b'.' | b'~' | b'+' | b'/' | b'=')
}

fn count(text: &[u8], of: impl Fn(&u8) -> bool) -> usize {
    text.iter().take_while(|b| of(b)).count()
}

impl Tail {
    /// Whether at least `chars_min` such characters stand at the front of `text`.
    fn fits(self, text: &[u8], chars_min: usize) -> bool {
        let chars = match self {
            Self::Alnum => count(text, u8::is_ascii_alphanumeric),
            Self::Url | Self::Mixed => count(text, in_url),
            Self::Capitals => count(text, |b| b.is_ascii_uppercase() || b.is_ascii_digit()),
            Self::Token => count(text, in_token),
        };
        let tail = text.get(..chars).unwrap_or_default();
        let has = |kind: fn(&u8) -> bool| tail.iter().any(kind);
        chars >= chars_min
            && match self {
                Self::Alnum | Self::Url | Self::Capitals => true,
                Self::Mixed => {
                    has(u8::is_ascii_uppercase)
                        && has(u8::is_ascii_lowercase)
                        && has(u8::is_ascii_digit)
                }
                Self::Token => has(u8::is_ascii_digit) || has(|b| *b == b'='),
            }
    }
}
