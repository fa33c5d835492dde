//! What a link changes, once it was judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::history::History;
use super::{Chain, CutAt, Device, Env, Epoch, Invited, Member};
use crate::device::DevicePublic;
use crate::id::{DeviceId, EnvId, Hash, InviteId, MemberId, WorkspaceId};
use crate::links::{Body, Op, Right, Role};

impl Chain {
    pub(super) fn before_genesis(ws: WorkspaceId) -> Self {
        Self {
            ws,
            hashes: Vec::new(),
            ts: 0,
            members: BTreeMap::new(),
            devices: BTreeMap::new(),
            envs: BTreeMap::new(),
            invites: BTreeMap::new(),
        }
    }

    pub(super) fn record(&mut self, hash: Hash, body: &Body) {
        let seq = body.seq;
        match &body.op {
            Op::Genesis { member, device, .. } => {
                self.add_env(EnvId::DIRECTORY, seq);
                self.add_member(*member, Role::Owner, None, seq);
                self.add_device(*member, device, seq);
            }
            Op::EnvCreate { env } => {
                self.add_env(*env, seq);
                if let Some(author) = self.devices.get(&body.author) {
                    self.set_right(author.member, *env, Right::Write, seq);
                }
            }
            Op::Grant {
                member,
                env,
                right,
                cut,
            } => {
                self.set_right(*member, *env, *right, seq);
                if let Some(cut) = cut {
                    self.add_cut(
                        *env,
                        CutAt {
                            w_seq: seq,
                            seq: cut.seq,
                            hash: cut.hash,
                        },
                    );
                }
            }
            Op::Invite { .. } => self.add_invite(body),
            Op::Join {
                invite,
                member,
                device,
            } => self.join(*invite, *member, device, seq),
            Op::DeviceAdd { member, device } => self.add_device(*member, device, seq),
            Op::MemberRemove { member, cuts } => {
                self.remove(*member, seq);
                for cut in cuts {
                    self.add_cut(
                        cut.env,
                        CutAt {
                            w_seq: seq,
                            seq: cut.seq,
                            hash: cut.hash,
                        },
                    );
                }
            }
            Op::Epoch { .. } => self.add_epoch(body),
            Op::RoleSet { member, role, cut } => {
                self.set_role(*member, *role, seq);
                if let Some(cut) = cut {
                    let cut = CutAt {
                        w_seq: seq,
                        seq: cut.seq,
                        hash: cut.hash,
                    };
                    self.add_cut(EnvId::DIRECTORY, cut);
                }
            }
        }
        self.hashes.push(hash);
        // Never back: or each link could be dated a little before the one that it follows, without end.
        self.ts = self.ts.max(body.ts);
    }

    fn add_env(&mut self, id: EnvId, created: u64) {
        let env = Env {
            id,
            created,
            epochs: Vec::new(),
            cuts: Vec::new(),
        };
        self.envs.insert(id, env);
    }

    fn add_member(&mut self, id: MemberId, role: Role, invite: Option<InviteId>, joined: u64) {
        let member = Member {
            id,
            role,
            joined,
            removed: None,
            invite,
            roles: History::new(),
            rights: BTreeMap::new(),
        };
        self.members.insert(id, member);
        self.set_role(id, role, joined);
    }

    fn add_device(&mut self, member: MemberId, public: &DevicePublic, since: u64) {
        let id = public.id();
        let public = public.clone();
        self.devices.insert(
            id,
            Device {
                id,
                member,
                public,
                since,
                until: None,
            },
        );
    }

    fn set_role(&mut self, member: MemberId, role: Role, seq: u64) {
        if let Some(member) = self.members.get_mut(&member) {
            member.role = role;
            member.roles.set(seq, role);
        }
    }

    fn set_right(&mut self, member: MemberId, env: EnvId, right: Right, seq: u64) {
        if let Some(member) = self.members.get_mut(&member) {
            member
                .rights
                .entry(env)
                .or_insert_with(History::new)
                .set(seq, right);
        }
    }

    fn add_cut(&mut self, env: EnvId, cut: CutAt) {
        if let Some(env) = self.envs.get_mut(&env) {
            env.cuts.push(cut);
        }
    }

    fn add_invite(&mut self, body: &Body) {
        let Op::Invite {
            invite,
            key,
            role,
            rights,
            expires,
            ..
        } = &body.op
        else {
            return;
        };
        if let Some(author) = self.devices.get(&body.author) {
            let invited = Invited {
                by: author.member,
                role: *role,
                rights: rights.clone(),
                expires: *expires,
                key: *key,
                used: None,
            };
            self.invites.insert(*invite, invited);
        }
    }

    fn join(&mut self, id: InviteId, member: MemberId, device: &DevicePublic, seq: u64) {
        let Some(invite) = self.invites.get_mut(&id) else {
            return;
        };
        invite.used = Some(member);
        let (role, rights) = (invite.role, invite.rights.clone());
        self.add_member(member, role, Some(id), seq);
        self.add_device(member, device, seq);
        for (env, right) in rights {
            self.set_right(member, env, right, seq);
        }
    }

    fn remove(&mut self, id: MemberId, seq: u64) {
        if let Some(member) = self.members.get_mut(&id) {
            member.removed = Some(seq);
        }
        for device in self
            .devices
            .values_mut()
            .filter(|device| device.member == id)
        {
            device.until = Some(seq);
        }
    }

    /// Most epochs have the recipients of the one before, and then they are kept once.
    fn shared_recipients(&self, env: &EnvId) -> Arc<[DeviceId]> {
        let now = self.recipients(env);
        let last = self.envs.get(env).and_then(|env| env.epochs.last());
        match last {
            Some(last) if *last.recipients == *now => Arc::clone(&last.recipients),
            _ => now.into(),
        }
    }

    fn add_epoch(&mut self, body: &Body) {
        let Op::Epoch {
            env,
            n,
            commit_root,
            commit_meta,
            prev_n,
            prev_wrap,
            ..
        } = &body.op
        else {
            return;
        };
        let epoch = Epoch {
            n: *n,
            seq: body.seq,
            recipients: self.shared_recipients(env),
            commit_root: *commit_root,
            commit_meta: *commit_meta,
            prev_n: *prev_n,
            prev_wrap: *prev_wrap,
        };
        if let Some(env) = self.envs.get_mut(env) {
            env.epochs.push(epoch);
        }
    }
}
