//! Pages, filters and sorts, as the list actions have them.
//!
//! Does not search. Invariant: a filter or sort that an action does not have is refused, never
//! passed over.

use crate::store::{Condition, Matching, TextField};
use crate::tokenhub::fault::Fault;
use crate::tokenhub::input::Input;

const LIMIT_DEFAULT: u64 = 20;
const LIMIT_MAX: u64 = 100;
const OFFSET_MAX: u64 = 1_000_000_000;
const VALUES_MAX: usize = 10;
const FILTERS_MAX: usize = 10;

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// How many to leave out at the begin.
    pub(crate) offset: u64,
    /// How many to show at most.
    pub(crate) limit: u64,
}

/// One condition of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterParameter {
    /// The field, in lower case.
    pub(crate) name: String,
    /// How it is compared.
    pub(crate) matching: Matching,
    /// With what.
    pub(crate) values: Vec<String>,
}

impl Page {
    /// Takes `Limit` and `Offset`.
    pub(crate) fn take(input: &mut Input) -> Result<Self, Fault> {
        let limit = input.number("Limit", 1..=LIMIT_MAX)?;
        let offset = input.number("Offset", 0..=OFFSET_MAX)?;
        Ok(Self {
            offset: offset.unwrap_or(0),
            limit: limit.unwrap_or(LIMIT_DEFAULT),
        })
    }

    /// The page of a whole list.
    pub(crate) fn of<T>(self, items: Vec<T>) -> Vec<T> {
        let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let items = items.into_iter().skip(number(self.offset));
        items.take(number(self.limit)).collect()
    }
}

impl FilterParameter {
    /// Takes `Filters`; only fields of `names`.
    pub(crate) fn take(input: &mut Input, names: &[&str]) -> Result<Vec<Self>, Fault> {
        let filters = input.objects("Filters")?.unwrap_or_default();
        if filters.len() > FILTERS_MAX {
            return Err(input.wrong("Filters", &format!("must have at most {FILTERS_MAX} items")));
        }
        let read = |filter| Self::read(filter, names);
        filters.into_iter().map(read).collect()
    }

    fn read(mut filter: Input, names: &[&str]) -> Result<Self, Fault> {
        let name = known(&mut filter, names)?;
        let ops = [
            ("EXACT", Matching::Exact),
            ("FUZZY", Matching::Fuzzy),
            ("NOT", Matching::Not),
        ];
        let matching = filter.choice("Op", &ops)?.unwrap_or(Matching::Exact);
        let values = filter.texts("Values")?;
        let values = values.ok_or_else(|| Fault::missing(&filter.full("Values")))?;
        if values.is_empty() || values.len() > VALUES_MAX {
            return Err(filter.wrong("Values", &format!("must have 1 to {VALUES_MAX} items")));
        }
        filter.finish()?;
        Ok(Self {
            name,
            matching,
            values,
        })
    }

    /// The condition on a text of a key.
    pub(crate) fn on(self, field: TextField) -> Condition {
        Condition::Text(field, self.matching, self.values)
    }

    /// Whether a text fits.
    pub(crate) fn fits(&self, text: &str) -> bool {
        let mut values = self.values.iter();
        match self.matching {
            Matching::Exact => values.any(|value| value == text),
            Matching::Fuzzy => {
                let text = text.to_ascii_lowercase();
                values.any(|value| text.contains(&value.to_ascii_lowercase()))
            }
            Matching::Not => !values.any(|value| value == text),
        }
    }

    /// What of the few possible words fits.
    pub(crate) fn among<T: Copy>(&self, words: &[(&str, T)]) -> Vec<T> {
        let fitting = words.iter().filter(|(word, _)| self.fits(word));
        fitting.map(|(_, value)| *value).collect()
    }
}

/// Takes `Sorts`: one field of `names` at most; gives its place in `names`, and whether it goes
/// down.
pub(crate) fn sort(input: &mut Input, names: &[&str]) -> Result<Option<(usize, bool)>, Fault> {
    let mut sorts = input.objects("Sorts")?.unwrap_or_default();
    let Some(mut sort) = sorts.pop() else {
        return Ok(None);
    };
    if !sorts.is_empty() {
        return Err(input.wrong("Sorts", "must have one item at most"));
    }
    let name = known(&mut sort, names)?;
    let down = sort.choice("Order", &[("ASC", false), ("DESC", true)])?;
    sort.finish()?;
    let place = names
        .iter()
        .position(|other| other.eq_ignore_ascii_case(&name));
    Ok(place.zip(Some(down.unwrap_or(false))))
}

/// Takes `Name`, one of `names` whatever the case.
fn known(item: &mut Input, names: &[&str]) -> Result<String, Fault> {
    let name = item.required("Name")?;
    match names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
        true => Ok(name.to_ascii_lowercase()),
        false => Err(item.wrong("Name", &format!("must be one of: {}", names.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn input(value: Value) -> Input {
        let Value::Object(members) = value else {
            panic!("no object");
        };
        Input::new(members)
    }

    fn code(value: Value) -> &'static str {
        let mut input = input(value);
        let page = Page::take(&mut input).map(drop);
        let filters = page.and_then(|()| FilterParameter::take(&mut input, &["Name"]).map(drop));
        let sorts = filters.and_then(|()| sort(&mut input, &["Name"]).map(drop));
        let kind = sorts.and_then(|()| input.finish()).err();
        kind.map_or("", |fault| fault.code)
    }

    #[test]
    fn pages_filters_and_sorts_are_read() {
        let page = Page::take(&mut input(json!({}))).unwrap();
        assert_eq!(
            page,
            Page {
                offset: 0,
                limit: 20
            }
        );
        assert_eq!(
            Page {
                offset: 1,
                limit: 2
            }
            .of(vec![1, 2, 3, 4]),
            [2, 3]
        );
        let sorts = json!({"Sorts": [{"Name": "b", "Order": "DESC"}]});
        assert_eq!(
            sort(&mut input(sorts), &["A", "B"]).unwrap(),
            Some((1, true))
        );
        assert_eq!(sort(&mut input(json!({})), &["A"]).unwrap(), None);
    }

    #[test]
    fn a_filter_fits_exactly_partly_or_not() {
        let filter = |matching| FilterParameter {
            name: "status".into(),
            matching,
            values: vec!["enable".into(), "X".into()],
        };
        let words = [("enable", 1), ("disable", 2), ("xyz", 3)];
        assert_eq!(filter(Matching::Exact).among(&words), [1]);
        assert_eq!(filter(Matching::Not).among(&words), [2, 3]);
        assert_eq!(filter(Matching::Fuzzy).among(&words), [1, 3]);
    }

    #[test]
    fn everything_else_is_refused() {
        let (value, parameter) = (
            "InvalidParameterValue.InvalidParameterValue",
            "InvalidParameter.InvalidParameter",
        );
        let eleven: Vec<_> = (0..11).map(|number| number.to_string()).collect();
        let cases = [
            (json!({"Limit": 100, "Offset": 7}), ""),
            (json!({"Limit": 101}), value),
            (json!({"Limit": 0}), value),
            (json!({"Limit": "20"}), value),
            (json!({"Offset": -1}), value),
            (
                json!({"Filters": [{"Name": "name", "Op": "FUZZY", "Values": ["a"]}]}),
                "",
            ),
            (
                json!({"Filters": [{"Name": "other", "Values": ["a"]}]}),
                value,
            ),
            (
                json!({"Filters": [{"Name": "Name", "Op": "LIKE", "Values": ["a"]}]}),
                value,
            ),
            (json!({"Filters": [{"Name": "Name", "Values": []}]}), value),
            (
                json!({"Filters": [{"Name": "Name", "Values": eleven}]}),
                value,
            ),
            (
                json!({"Filters": [{"Name": "Name"}]}),
                "MissingParameter.MissingParameter",
            ),
            (
                json!({"Filters": [{"Name": "Name", "Values": ["a"], "More": 1}]}),
                parameter,
            ),
            (json!({"Filters": {"Name": "Name"}}), value),
            (json!({"Sorts": [{"Name": "Name", "Order": "UP"}]}), value),
            (
                json!({"Sorts": [{"Name": "Name"}, {"Name": "Name"}]}),
                value,
            ),
            (
                json!({"Sorts": [{"Order": "ASC"}]}),
                "MissingParameter.MissingParameter",
            ),
            (json!({"More": 1}), parameter),
        ];
        for (body, expected) in cases {
            assert_eq!(code(body.clone()), expected, "{body}");
        }
    }
}
