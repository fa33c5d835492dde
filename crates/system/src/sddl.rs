//! Who may do what with a file, as Windows writes it in text: `O:owner D:flags(type;flags;rights;;;who)…`.
//! What cannot be read counts as everything, for everybody.

/// Whoever these are could change any list: the system, administrators, the owner, the installer of Windows.
const TRUSTED: &[&str] = &[
    "SY",
    "BA",
    "OW",
    "CO",
    "S-1-3-0",
    "S-1-3-4",
    "S-1-5-18",
    "S-1-5-32-544",
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
];
/// DELETE, WRITE_DAC, WRITE_OWNER, GENERIC_ALL, and FILE_DELETE_CHILD of a folder.
const MOVE: u32 = 0x0001_0000 | 0x0004_0000 | 0x0008_0000 | 0x1000_0000 | 0x0000_0040;

/// Owner and access list of a file or a folder.
pub(crate) struct Descriptor {
    is_own: bool,
    is_trusted: bool,
    others: Others,
}

/// What the list gives to others than this account and those that are trusted anyway.
enum Others {
    /// There is no list: everything.
    All,
    Some(Vec<Entry>),
}

struct Entry {
    rights: u32,
    /// It is for what will lie in the folder, not for the folder.
    only_inherited: bool,
}

impl Descriptor {
    /// Reads the text; `me` is this account, written as the text writes it. `None` where there is no owner.
    pub(crate) fn parse(text: &str, me: &str) -> Option<Self> {
        let (owner, list) = text.strip_prefix("O:")?.split_once("D:")?;
        let owner = owner.split("G:").next()?;
        let is_own = owner == me;
        Some(Self {
            is_own,
            is_trusted: is_own || TRUSTED.contains(&owner),
            others: Others::parse(list, me),
        })
    }

    /// Whether nobody else has any right, now or to what will lie here.
    pub(crate) fn is_private(&self) -> bool {
        // What an administrator's process makes belongs to the administrators.
        self.is_trusted && matches!(&self.others, Others::Some(entries) if entries.is_empty())
    }

    /// Whether it belongs to this account, or to whom nothing can be kept from.
    pub(crate) fn is_trusted(&self) -> bool {
        self.is_own || self.is_trusted
    }

    /// Whether others may move it, take things out of it, or give themselves the right to.
    pub(crate) fn others_may_move(&self) -> bool {
        match &self.others {
            Others::All => true,
            Others::Some(entries) => entries
                .iter()
                .any(|entry| !entry.only_inherited && entry.rights & MOVE != 0),
        }
    }
}

impl Others {
    fn parse(list: &str, me: &str) -> Self {
        let Some(start) = list.find('(') else {
            // Without entries: an empty list admits nobody, a missing one everybody.
            return if list.contains("NO_ACCESS_CONTROL") {
                Self::All
            } else {
                Self::Some(Vec::new())
            };
        };
        let mut entries = Vec::new();
        for entry in list[start..].split('(').skip(1) {
            let fields: Vec<&str> = entry.trim_end_matches(')').split(';').collect();
            let (Some(kind), Some(flags), Some(rights), Some(who)) =
                (fields.first(), fields.get(1), fields.get(2), fields.get(5))
            else {
                return Self::All;
            };
            if *kind != "D" && *who != me && !TRUSTED.contains(who) {
                entries.push(Entry {
                    rights: read_rights(rights),
                    only_inherited: pairs(flags).any(|flag| flag == "IO"),
                });
            }
        }
        Self::Some(entries)
    }
}

fn read_rights(text: &str) -> u32 {
    if let Some(number) = text.strip_prefix("0x") {
        return u32::from_str_radix(number, 16).unwrap_or(u32::MAX);
    }
    pairs(text).fold(0, |all, right| all | one_right(right))
}

fn one_right(right: &str) -> u32 {
    match right {
        "FR" => 0x0012_0089,
        "FW" => 0x0012_0116,
        "FX" => 0x0012_00A0,
        "GR" => 0x8000_0000,
        "GW" => 0x4000_0000,
        "GX" => 0x2000_0000,
        "RC" => 0x0002_0000,
        "CC" => 0x0000_0001,
        "DC" => 0x0000_0002,
        "LC" => 0x0000_0004,
        "SW" => 0x0000_0008,
        "RP" => 0x0000_0010,
        "WP" => 0x0000_0020,
        "LO" => 0x0000_0080,
        "CR" => 0x0000_0100,
        _ => u32::MAX,
    }
}

fn pairs(text: &str) -> impl Iterator<Item = &str> {
    let ends = (2..=text.len()).step_by(2).chain(
        // An odd end is a right that nobody knows.
        (!text.len().is_multiple_of(2)).then_some(text.len()),
    );
    let mut start = 0;
    ends.map(move |end| {
        let pair = text.get(start..end).unwrap_or("?");
        start = end;
        pair
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ME: &str = "S-1-5-21-1-2-3-1001";

    fn read(text: &str) -> Descriptor {
        Descriptor::parse(&text.replace("ME", ME), ME).unwrap()
    }

    #[test]
    fn a_list_with_nobody_else_is_private() {
        for text in [
            "O:MED:P(A;OICI;FA;;;ME)(A;OICI;FA;;;SY)",
            "O:MEG:S-1-5-21-1-2-3-513D:AI(A;ID;FA;;;BA)(A;ID;FA;;;ME)",
            "O:BAD:P(A;;FA;;;ME)",
            "O:MED:",
            "O:MED:(D;;FA;;;WD)(A;;FA;;;ME)",
        ] {
            assert!(read(text).is_private(), "{text}");
        }
    }

    #[test]
    fn anybody_else_and_anything_unread_is_not_private() {
        for text in [
            "O:MED:P(A;OICI;FA;;;ME)(A;;FR;;;WD)",
            "O:MED:(A;OICIIO;GR;;;BU)",
            "O:S-1-5-21-1-2-3-1002D:(A;;FA;;;ME)",
            "O:S-1-5-21-1-2-3-10011D:(A;;FA;;;ME)",
            "O:MED:NO_ACCESS_CONTROL",
            "O:MED:(A;;FA)",
            "O:MED:(XA;;FX;;;S-1-1-0;(WIN://SYSAPPID Contains \"x\"))",
        ] {
            assert!(!read(text).is_private(), "{text}");
        }
        assert!(Descriptor::parse("D:(A;;FA;;;SY)", ME).is_none());
        assert!(Descriptor::parse("", ME).is_none());
    }

    #[test]
    fn others_may_use_a_parent_and_not_move_what_is_in_it() {
        // The root of a drive as Windows makes it.
        let root = "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464\
                    D:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)\
                    (A;OICIIO;SDGXGWGR;;;AU)(A;;LC;;;AU)";
        assert!(!read(root).others_may_move());
        for text in [
            "O:MED:(A;;FA;;;WD)",
            "O:MED:(A;;0x1301bf;;;AU)",
            "O:MED:(A;;DT;;;AU)",
            "O:MED:(A;;WD;;;AU)",
            "O:MED:(A;;GA;;;AU)",
            "O:MED:(A;;FRX;;;AU)",
            "O:MED:NO_ACCESS_CONTROL",
        ] {
            assert!(read(text).others_may_move(), "{text}");
        }
    }

    #[test]
    fn what_belongs_to_another_account_is_not_trusted() {
        for (text, trusted) in [
            ("O:MED:(A;;FA;;;WD)", true),
            ("O:BAD:(A;;FA;;;WD)", true),
            ("O:SYD:", true),
            ("O:S-1-5-21-1-2-3-1002D:", false),
            ("O:WDD:", false),
        ] {
            assert_eq!(read(text).is_trusted(), trusted, "{text}");
        }
    }
}
