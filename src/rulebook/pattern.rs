//! Patterns over recent flows of money and shared identifiers: their forms, options, members and bounds.
//!
//! A pattern is searched in a graph that the engine remembers; its value is what was found, or absent.
//! Everything that makes a search large is a compulsory option with a bound here.

use rust_decimal::Decimal;

use crate::domain::Span;

use super::catalogue::{Role, Type};
use super::typed::{Expr, SourceSpan};

/// Most hops of a path.
pub const HOPS_MAX: u8 = 5;

/// Fewest hops of a path: one transfer is no path.
pub const HOPS_MIN: u8 = 2;

/// Longest span of a flow of money.
pub const FLOW_WITHIN_MAX: Span = Span::days(31);

/// Longest span over which identifiers are shared.
pub const SHARED_WITHIN_MAX: Span = Span::days(90);

/// Fewest and most accounts of a fan.
pub const FAN_BOUNDS: (u32, u32) = (2, 500);

/// Fewest and most customers of an identifier that links them.
pub const HUB_BOUNDS: (u32, u32) = (2, 500);

/// An identifier with more customers links nobody, unless the rule says otherwise.
pub const HUB_DEFAULT: u32 = 50;

/// A pattern of a rule, checked.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What is looked for.
    pub shape: Shape,
    /// Which events enter the graph, decided once on entry. Holds no aggregate and no pattern.
    pub filter: Option<Expr>,
    /// From the first to the last event of it, less than this.
    pub within: Span,
    /// Where it is written.
    pub span: SourceSpan,
}

/// What a pattern looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Money that comes back to where it started.
    Cycle {
        /// How many hops.
        hops: Hops,
        /// The share that a hop carries of the one before at least, and the other way round.
        keep: Decimal,
    },
    /// Money that goes from account to account.
    PassThrough {
        /// How many hops.
        hops: Hops,
        /// As in a cycle.
        keep: Decimal,
        /// Every account that receives it did nothing else in the window before.
        is_fresh: bool,
    },
    /// One account that many pay and that pays many.
    GatherScatter {
        /// Accounts on each side at least.
        fan: u32,
        /// The share that each side carries of the other at least.
        keep: Decimal,
    },
    /// One account that pays many, who all pay one other.
    ScatterGather {
        /// Accounts between at least.
        fan: u32,
        /// The share that what goes on carries of what came at least, and the other way round.
        keep: Decimal,
    },
    /// Customers who are linked by the identifiers that they use.
    Shared {
        /// Which identifiers, sorted.
        roles: Vec<Role>,
        /// An identifier with more customers links nobody.
        hub: u32,
    },
}

/// How many hops a path has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hops {
    /// At least.
    pub least: u8,
    /// At most.
    pub most: u8,
}

/// The forms of patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `cycle(...)`
    Cycle,
    /// `pass_through(...)`
    PassThrough,
    /// `gather_scatter(...)`
    GatherScatter,
    /// `scatter_gather(...)`
    ScatterGather,
    /// `shared(...)`
    Shared,
}

/// An option of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// `hops: 3..5`
    Hops,
    /// `within: 72h`
    Within,
    /// `keep: 0.8`
    Keep,
    /// `fan: 8`
    Fan,
    /// `fresh: true`
    Fresh,
    /// `by: [device, phone]`
    By,
    /// `hub: 50`
    Hub,
    /// `where: tx.type == "wire"`
    Where,
}

/// What can be read of a pattern that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// Hops of the path.
    Hops,
    /// What went all the way: the smallest hop, or the smaller side of a fan.
    Amount,
    /// What the first hop or side carried.
    FirstAmount,
    /// What the last hop or side carried.
    LastAmount,
    /// Single transfers in it.
    Transfers,
    /// Accounts of the smaller side of a fan.
    Fan,
    /// Different accounts or customers in it.
    Size,
    /// Identifiers that link at least two of the customers.
    Identifiers,
    /// Identifiers that were left out because too many customers have them.
    Hubs,
    /// The accounts in order, for messages.
    Accounts,
    /// The customers, for messages.
    Customers,
    /// When the first event of it happened.
    StartedAt,
    /// When the last event of it happened.
    EndedAt,
}

impl Form {
    /// All forms.
    pub const ALL: &'static [Self] =
        &[Self::Cycle, Self::PassThrough, Self::GatherScatter, Self::ScatterGather, Self::Shared];

    /// As written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cycle => "cycle",
            Self::PassThrough => "pass_through",
            Self::GatherScatter => "gather_scatter",
            Self::ScatterGather => "scatter_gather",
            Self::Shared => "shared",
        }
    }

    /// The form named `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|form| form.word() == word)
    }

    /// How it looks in full.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::Cycle => "cycle(hops: 3..5, within: 72h, keep: 0.8) by account",
            Self::PassThrough => "pass_through(hops: 2..4, within: 72h, keep: 0.8) by account",
            Self::GatherScatter => "gather_scatter(fan: 8, within: 7d, keep: 0.8) by account",
            Self::ScatterGather => "scatter_gather(fan: 4, within: 72h, keep: 0.8) by account",
            Self::Shared => "shared(by: [device, phone], within: 30d) by customer",
        }
    }

    /// Its options: those that it cannot do without, then the others.
    #[must_use]
    pub const fn choices(self) -> (&'static [Choice], &'static [Choice]) {
        use Choice as C;
        match self {
            Self::Cycle => (&[C::Hops, C::Within, C::Keep], &[C::Where]),
            Self::PassThrough => (&[C::Hops, C::Within, C::Keep], &[C::Fresh, C::Where]),
            Self::GatherScatter | Self::ScatterGather => {
                (&[C::Fan, C::Within, C::Keep], &[C::Where])
            }
            Self::Shared => (&[C::By, C::Within], &[C::Hub]),
        }
    }

    /// By whose role it is looked for.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Cycle | Self::PassThrough | Self::GatherScatter | Self::ScatterGather => {
                Role::ACCOUNT
            }
            Self::Shared => Role::CUSTOMER,
        }
    }

    /// The longest that it may take.
    #[must_use]
    pub const fn within_max(self) -> Span {
        match self {
            Self::Shared => SHARED_WITHIN_MAX,
            _ => FLOW_WITHIN_MAX,
        }
    }

    /// What can be read of it.
    #[must_use]
    pub const fn members(self) -> &'static [Member] {
        use Member as M;
        match self {
            Self::Cycle | Self::PassThrough => &[
                M::Hops,
                M::Amount,
                M::FirstAmount,
                M::LastAmount,
                M::Transfers,
                M::Size,
                M::Accounts,
                M::StartedAt,
                M::EndedAt,
            ],
            Self::GatherScatter | Self::ScatterGather => &[
                M::Fan,
                M::Amount,
                M::FirstAmount,
                M::LastAmount,
                M::Transfers,
                M::Size,
                M::Accounts,
                M::StartedAt,
                M::EndedAt,
            ],
            Self::Shared => {
                &[M::Size, M::Identifiers, M::Hubs, M::Customers, M::StartedAt, M::EndedAt]
            }
        }
    }
}

impl Choice {
    /// All options.
    pub const ALL: &'static [Self] = &[
        Self::Hops,
        Self::Within,
        Self::Keep,
        Self::Fan,
        Self::Fresh,
        Self::By,
        Self::Hub,
        Self::Where,
    ];

    /// As written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hops => "hops",
            Self::Within => "within",
            Self::Keep => "keep",
            Self::Fan => "fan",
            Self::Fresh => "fresh",
            Self::By => "by",
            Self::Hub => "hub",
            Self::Where => "where",
        }
    }

    /// The option named `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.word() == word)
    }

    /// How it looks.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::Hops => "hops: 3..5",
            Self::Within => "within: 72h",
            Self::Keep => "keep: 0.8",
            Self::Fan => "fan: 8",
            Self::Fresh => "fresh: true",
            Self::By => "by: [device, phone]",
            Self::Hub => "hub: 50",
            Self::Where => "where: tx.type == \"wire\"",
        }
    }
}

impl Member {
    /// As written behind the dot.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hops => "hops",
            Self::Amount => "amount",
            Self::FirstAmount => "first_amount",
            Self::LastAmount => "last_amount",
            Self::Transfers => "transfers",
            Self::Fan => "fan",
            Self::Size => "size",
            Self::Identifiers => "identifiers",
            Self::Hubs => "hubs",
            Self::Accounts => "accounts",
            Self::Customers => "customers",
            Self::StartedAt => "started_at",
            Self::EndedAt => "ended_at",
        }
    }

    /// The type of its value.
    #[must_use]
    pub const fn ty(self) -> Type {
        match self {
            Self::Accounts | Self::Customers => Type::Names,
            Self::StartedAt | Self::EndedAt => Type::Time,
            _ => Type::Number,
        }
    }
}

impl Shape {
    /// Its form.
    #[must_use]
    pub const fn form(&self) -> Form {
        match self {
            Self::Cycle { .. } => Form::Cycle,
            Self::PassThrough { .. } => Form::PassThrough,
            Self::GatherScatter { .. } => Form::GatherScatter,
            Self::ScatterGather { .. } => Form::ScatterGather,
            Self::Shared { .. } => Form::Shared,
        }
    }
}

impl Pattern {
    /// Whether both look for the same among the same events, so that one search serves both.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let is_same_filter = match (&self.filter, &other.filter) {
            (Some(left), Some(right)) => left.is_same(right),
            (None, None) => true,
            _ => false,
        };
        self.shape == other.shape && self.within == other.within && is_same_filter
    }
}
