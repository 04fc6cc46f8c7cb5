//! Signatures of Tencent Cloud API 3.0 (TC3-HMAC-SHA256), verified.
//!
//! Pure: no clock, no look-up, no HTTP library. Does not remember what was seen. Invariant: a
//! request passes only if its host, content type and whole body are what the secret key signed;
//! signatures are compared in constant time.

use base16ct::lower::encode_string;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::domain::clock::UnixMillis;

const ALGORITHM: &str = "TC3-HMAC-SHA256";
const TERMINATOR: &str = "tc3_request";
/// Headers that have to be signed.
const REQUIRED: [&str; 2] = ["content-type", "host"];
/// Headers that may be signed.
const SIGNED_MAX: usize = 32;
const HEX_DIGITS: usize = 64;

/// What `Authorization` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authorization<'a> {
    /// The id of the access key.
    pub(crate) secret_id: &'a str,
    date: &'a str,
    service: &'a str,
    /// As it was written, divided by `;`.
    signed_headers: &'a str,
    signature: &'a str,
}

/// What is signed of a request, besides its headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed<'a> {
    /// The service that the client has to mean.
    pub(crate) service: &'a str,
    /// `X-TC-Timestamp`, in seconds since 1970.
    pub(crate) timestamp_s: u64,
    /// The path.
    pub(crate) path: &'a str,
    /// What stands behind the `?`.
    pub(crate) query: &'a str,
    /// The body.
    pub(crate) body: &'a [u8],
}

/// Why a request is not signed as it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// `Authorization` has another form.
    Form,
    /// Host or content type is not signed, or the names are not in lower case and in order.
    Headers,
    /// A signed header is missing or stands twice.
    Header,
    /// The credential's date is not that of the timestamp.
    Date,
    /// The credential is for another service.
    Service,
    /// The signature is another one.
    Mismatch,
}

impl<'a> Authorization<'a> {
    /// Reads `TC3-HMAC-SHA256 Credential=ID/DATE/SERVICE/tc3_request, SignedHeaders=A;B,
    /// Signature=HEX`.
    pub(crate) fn parse(text: &'a str) -> Result<Self, SignatureError> {
        Self::read(text).ok_or(SignatureError::Form)
    }

    fn read(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
        let mut parts = rest.split(',').map(str::trim);
        let credential = parts.next()?.strip_prefix("Credential=")?;
        let signed_headers = parts.next()?.strip_prefix("SignedHeaders=")?;
        let signature = parts.next()?.strip_prefix("Signature=")?;
        let words: Vec<_> = credential.split('/').collect();
        let [secret_id, date, service, TERMINATOR] = words[..] else {
            return None;
        };
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let is_signature = signature.len() == HEX_DIGITS && signature.bytes().all(is_hex);
        (parts.next().is_none() && !secret_id.is_empty() && is_signature).then_some(Self {
            secret_id,
            date,
            service,
            signed_headers,
            signature,
        })
    }

    /// The names of the signed headers: in lower case, in order, each once.
    fn names(&self) -> Result<Vec<&'a str>, SignatureError> {
        let names: Vec<_> = self.signed_headers.split(';').collect();
        let plain = |name: &&str| {
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            !name.is_empty() && name.bytes().all(fits)
        };
        let in_order = names.is_sorted_by(|one, next| one < next);
        let has_required = REQUIRED.iter().all(|name| names.contains(name));
        let fits = names.len() <= SIGNED_MAX && names.iter().all(plain);
        match fits && in_order && has_required {
            true => Ok(names),
            false => Err(SignatureError::Headers),
        }
    }

    /// Checks the signature. `header` gives the value of a header that stands once.
    pub(crate) fn verify(
        &self,
        secret_key: &[u8],
        signed: &Signed<'_>,
        header: impl Fn(&str) -> Option<String>,
    ) -> Result<(), SignatureError> {
        let day = UnixMillis::new(signed.timestamp_s.saturating_mul(1000)).day();
        if self.date.len() != 10 || self.date.replace('-', "") != day {
            return Err(SignatureError::Date);
        }
        if self.service != signed.service {
            return Err(SignatureError::Service);
        }
        let mut fits = Choice::from(0);
        for path in ["/", signed.path] {
            for with_port in [true, false] {
                let canonical = self.canonical_request((path, with_port), signed, &header)?;
                let expected = self.sign(secret_key, &self.text(signed, &canonical));
                fits |= expected.as_bytes().ct_eq(self.signature.as_bytes());
            }
        }
        match fits.into() {
            true => Ok(()),
            false => Err(SignatureError::Mismatch),
        }
    }

    fn text(&self, signed: &Signed<'_>, canonical: &str) -> String {
        let scope = format!("{}/{}/{TERMINATOR}", self.date, self.service);
        let digest = encode_string(&Sha256::digest(canonical));
        format!("{ALGORITHM}\n{}\n{scope}\n{digest}", signed.timestamp_s)
    }

    /// Clients differ in what they sign: API 3.0 says `/` whatever the path is, and Tencent's for
    /// Node leaves out the host's port.
    fn canonical_request(
        &self,
        (path, with_port): (&str, bool),
        signed: &Signed<'_>,
        header: impl Fn(&str) -> Option<String>,
    ) -> Result<String, SignatureError> {
        let mut headers = String::new();
        for name in self.names()? {
            let value = header(name).ok_or(SignatureError::Header)?;
            let value = value.trim().to_lowercase();
            let value = match name == "host" && !with_port {
                true => without_port(&value),
                false => &value,
            };
            headers.push_str(&format!("{name}:{value}\n"));
        }
        let (query, names) = (signed.query, self.signed_headers);
        let payload = encode_string(&Sha256::digest(signed.body));
        Ok(format!(
            "POST\n{path}\n{query}\n{headers}\n{names}\n{payload}"
        ))
    }

    fn sign(&self, secret_key: &[u8], text: &str) -> String {
        let mut first = Zeroizing::new(b"TC3".to_vec());
        first.extend_from_slice(secret_key);
        let date = hmac(&first, self.date);
        let service = hmac(&*date, self.service);
        let signing = hmac(&*service, TERMINATOR);
        encode_string(&*hmac(&*signing, text))
    }

    /// The bytes of the signature, to remember it by.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.signature).into()
    }
}

fn without_port(host: &str) -> &str {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    }
}

fn hmac(key: &[u8], text: &str) -> Zeroizing<[u8; 32]> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Zeroizing::new([0; 32]);
    };
    mac.update(text.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests;
