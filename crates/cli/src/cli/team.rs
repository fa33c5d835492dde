//! What can be typed behind `team`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Team {
    #[command(subcommand)]
    pub(crate) verb: TeamVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TeamVerb {
    /// Found a team on a server
    #[command(
        after_help = "Example:\n  withheld team create acme --server https://team.example.com --as lead"
    )]
    Create(TeamCreate),
    /// Print the line by which one person may join, once
    #[command(
        after_help = "Example:\n  withheld team invite newdev --to billing/dev:write --to billing/prod:read"
    )]
    Invite(TeamInvite),
    /// Join by an invitation, which is asked for
    #[command(after_help = "Example:\n  withheld team join --from-file invitation")]
    Join(TeamJoin),
    /// Who is in, and what each may open
    #[command(after_help = "Example:\n  withheld team members")]
    Members,
    /// Change what a member may do
    #[command(
        after_help = "Example:\n  withheld team set newdev --to billing/prod:none --role admin"
    )]
    Set(TeamSet),
    /// Take access away and make new keys; what to rotate is listed
    #[command(after_help = "Example:\n  withheld team remove newdev")]
    Remove {
        /// The member
        member: String,
    },
    /// What was done about members
    #[command(after_help = "Example:\n  withheld team log")]
    Log,
}

#[derive(Debug, Args)]
pub(crate) struct TeamCreate {
    /// The team's name, like acme
    pub(crate) name: String,
    /// https://HOST[:PORT]; http:// on this machine only
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// A file that holds the server's bootstrap token; asked for without it
    #[arg(long, value_name = "F")]
    pub(crate) token_file: Option<PathBuf>,
    /// What the team will call you, like lead; without it the name of your account
    #[arg(long = "as", value_name = "PERSON")]
    pub(crate) founder: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TeamInvite {
    /// What the team will call the person, like newdev
    pub(crate) member: String,
    /// An environment, and read or write; may be repeated
    #[arg(long, value_name = "ENV:RIGHT", required = true)]
    pub(crate) to: Vec<String>,
    /// member (default), admin or owner
    #[arg(long, value_name = "R")]
    pub(crate) role: Option<String>,
    /// How long the line is good for, at most 7d
    #[arg(long, value_name = "24h")]
    pub(crate) expires: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TeamJoin {
    /// A file that holds the invitation; asked for without it
    #[arg(long, value_name = "F")]
    pub(crate) from_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TeamSet {
    /// The member
    pub(crate) member: String,
    /// An environment, and read, write or none; may be repeated
    #[arg(long, value_name = "ENV:RIGHT")]
    pub(crate) to: Vec<String>,
    /// member, admin or owner
    #[arg(long, value_name = "R")]
    pub(crate) role: Option<String>,
}
