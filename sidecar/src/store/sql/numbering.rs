//! Parameters as PostgreSQL numbers them: `?`, `?1` and `:name` become `$1` and so on.
//!
//! Follows SQLite's rules: a `?` is one behind the greatest before it. Invariant: what stands in quotes is
//! left as it is.

/// A statement as PostgreSQL reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    /// The text.
    pub(crate) sql: String,
    /// The name of each parameter that has one, from the first on.
    pub(crate) names: Vec<String>,
}

impl Numbered {
    /// Reads a statement as it is written here.
    pub(crate) fn of(text: &str) -> Self {
        let mut numbered = Self {
            sql: String::with_capacity(text.len()),
            names: Vec::new(),
        };
        let (mut rest, mut greatest) = (text, 0);
        while let Some(at) = rest.find(['?', ':', '\'']) {
            let (before, from) = rest.split_at(at);
            numbered.sql.push_str(before);
            rest = match from.split_at(1) {
                ("?", behind) => numbered.place(behind, &mut greatest),
                (":", behind) => numbered.name(behind),
                (quote, behind) => numbered.quoted(quote, behind),
            };
        }
        numbered.sql.push_str(rest);
        numbered
    }

    fn place<'t>(&mut self, behind: &'t str, greatest: &mut usize) -> &'t str {
        let digits = behind.len()
            - behind
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len();
        let (number, rest) = behind.split_at(digits);
        let number = number.parse().unwrap_or(*greatest + 1);
        *greatest = number.max(*greatest);
        self.sql.push_str(&format!("${number}"));
        rest
    }

    fn name<'t>(&mut self, behind: &'t str) -> &'t str {
        let rest = behind.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let (name, _) = behind.split_at(behind.len() - rest.len());
        let known = self.names.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        self.sql.push_str(&format!("${}", place + 1));
        rest
    }

    fn quoted<'t>(&mut self, quote: &str, behind: &'t str) -> &'t str {
        let end = behind
            .find(quote)
            .map_or(behind.len(), |end| end + quote.len());
        let (text, rest) = behind.split_at(end);
        self.sql.push_str(quote);
        self.sql.push_str(text);
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(text: &str) -> String {
        Numbered::of(text).sql
    }

    #[test]
    fn places_are_counted_as_sqlite_counts_them() {
        assert_eq!(sql("a = ? AND b = ?"), "a = $1 AND b = $2");
        assert_eq!(
            sql("a = ?2 AND b = ? OR ?1 = ?"),
            "a = $2 AND b = $3 OR $1 = $4"
        );
        assert_eq!(sql("a = ?12)"), "a = $12)");
    }

    #[test]
    fn a_name_has_one_place_wherever_it_stands() {
        let numbered = Numbered::of("VALUES (:id, :key_hash) SET k = :key_hash, i = :id");
        assert_eq!(numbered.sql, "VALUES ($1, $2) SET k = $2, i = $1");
        assert_eq!(numbered.names, ["id", "key_hash"]);
    }

    #[test]
    fn what_is_quoted_is_no_parameter() {
        assert_eq!(
            sql("x LIKE ? ESCAPE '?' || ':a' = ?"),
            "x LIKE $1 ESCAPE '?' || ':a' = $2"
        );
        assert_eq!(sql("'it''s ?' = ?"), "'it''s ?' = $1");
    }
}
