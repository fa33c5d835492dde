//! Who is in a workspace, by its links: as much of it as an attacker goes by. No rule is checked.

use std::collections::BTreeMap;

use super::crypto::{half, hash};
use super::{DIRECTORY, Id, Item, Shown};

/// A member's device.
#[derive(Clone, Debug)]
pub struct Person {
    /// Whose it is.
    pub member: Id,
    /// The device.
    pub device: Id,
    /// Its public keys.
    pub public: Item,
}

/// Everybody, and what each may do where.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// In the order in which they came; who left is not among them.
    pub all: Vec<Person>,
    rights: BTreeMap<(Id, Id), u64>,
    invites: BTreeMap<Id, Vec<Item>>,
}

impl People {
    pub(super) fn of(shown: &Shown) -> Self {
        let mut people = Self::default();
        for seq in 1..=shown.links.len() {
            people.follow(&shown.body(seq));
        }
        people
    }

    fn follow(&mut self, body: &Item) {
        let author: Id = body.at(5).bytes();
        let (op, says) = (body.at(6).at(0).int(), body.at(6).at(1));
        match op {
            0 => self.add(author, says.at(1), says.at(2)),
            1 => {
                let writer = self.all.iter().find(|person| person.device == author);
                let member = writer.expect("an author").member;
                self.rights.insert((member, says.at(0).bytes()), 3);
            }
            2 => {
                let of = (says.at(0).bytes(), says.at(1).bytes());
                self.rights.insert(of, says.at(2).int());
            }
            4 => {
                let rights = says.at(3).items().to_vec();
                self.invites.insert(says.at(0).bytes(), rights);
            }
            5 => {
                self.add(author, says.at(1), says.at(2));
                let member = says.at(1).bytes();
                for right in &self.invites[&says.at(0).bytes()] {
                    let of = (member, right.at(0).bytes());
                    self.rights.insert(of, right.at(1).int());
                }
            }
            6 => self.add(
                half(hash("device-id", &says.at(1).encode())),
                says.at(0),
                says.at(1),
            ),
            8 => {
                let gone: Id = says.at(0).bytes();
                self.all.retain(|person| person.member != gone);
            }
            _ => {}
        }
    }

    fn add(&mut self, device: Id, member: &Item, public: &Item) {
        self.all.push(Person {
            member: member.bytes(),
            device,
            public: public.clone(),
        });
    }

    /// The device of a member.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn device(&self, device: Id) -> &Person {
        let found = self.all.iter().find(|person| person.device == device);
        found.expect("a device of the workspace")
    }

    /// Who may read an environment.
    pub fn readers(&self, env: Id) -> Vec<&Person> {
        let reads = |person: &&Person| {
            let right = self.rights.get(&(person.member, env));
            env == DIRECTORY || right.is_some_and(|right| *right >= 2)
        };
        self.all.iter().filter(reads).collect()
    }

    /// What a member may do where, as an invitation would say it.
    pub fn rights_of(&self, member: Id) -> Vec<(Id, u64)> {
        let of = self.rights.iter().filter(|((who, _), _)| *who == member);
        of.map(|((_, env), right)| (*env, *right)).collect()
    }
}
