//! As much JSON as cargo and rustc speak. The standard library has none, and xtask has nothing else.

use std::collections::BTreeMap;

/// A document, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Map(BTreeMap<String, Json>),
}

impl Json {
    /// One document; nothing where the text is none, or more than one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { rest: text };
        let value = parser.value()?;
        parser.rest.trim_start().is_empty().then_some(value)
    }

    /// The part that these names lead to; null where they lead nowhere.
    pub(crate) fn at(&self, names: &[&str]) -> &Self {
        names.iter().fold(self, |value, name| match value {
            Self::Map(map) => map.get(*name).unwrap_or(&Self::Null),
            _ => &Self::Null,
        })
    }

    /// The text, where this is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, where this is a list.
    pub(crate) fn list(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn eat(&mut self, mark: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(mark)?;
        Some(())
    }

    fn value(&mut self) -> Option<Json> {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            '{' => self.map(),
            '[' => self.list(),
            '"' => self.text().map(Json::Text),
            't' => self.eat("true").map(|()| Json::Bool(true)),
            'f' => self.eat("false").map(|()| Json::Bool(false)),
            'n' => self.eat("null").map(|()| Json::Null),
            _ => self.number(),
        }
    }

    fn map(&mut self) -> Option<Json> {
        self.eat("{")?;
        let mut map = BTreeMap::new();
        if self.eat("}").is_some() {
            return Some(Json::Map(map));
        }
        loop {
            self.rest = self.rest.trim_start();
            let name = self.text()?;
            self.eat(":")?;
            map.insert(name, self.value()?);
            if self.eat(",").is_none() {
                self.eat("}")?;
                return Some(Json::Map(map));
            }
        }
    }

    fn list(&mut self) -> Option<Json> {
        self.eat("[")?;
        let mut items = Vec::new();
        if self.eat("]").is_some() {
            return Some(Json::List(items));
        }
        loop {
            items.push(self.value()?);
            if self.eat(",").is_none() {
                self.eat("]")?;
                return Some(Json::List(items));
            }
        }
    }

    fn number(&mut self) -> Option<Json> {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c))
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits.parse().ok().map(Json::Number)
    }

    fn text(&mut self) -> Option<String> {
        self.eat("\"")?;
        let mut text = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => text.push(match chars.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'u' => {
                        let digits: String = chars.by_ref().take(4).collect();
                        // Halves of a pair are of no interest to anything here.
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?).unwrap_or('\u{fffd}')
                    }
                    other => other,
                }),
                other => text.push(other),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_and_a_broken_one_is_not() {
        let document = Json::parse(r#" {"a":[1,-2.5e3,{"b":"x\n\"A/"}],"c":null,"d":true} "#);
        let document = document.unwrap();
        assert_eq!(document.at(&["a"]).list()[1], Json::Number(-2500.0));
        assert_eq!(
            document.at(&["a"]).list()[2].at(&["b"]).text(),
            Some("x\n\"A/")
        );
        assert_eq!(document.at(&["missing", "more"]), &Json::Null);
        for broken in ["", "{", "[1,]", "{\"a\" 1}", "\"open", "{} {}"] {
            assert_eq!(Json::parse(broken), None, "{broken}");
        }
    }
}
