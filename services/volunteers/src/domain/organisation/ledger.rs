//! What the office owns and who has it: a ledger in which every entry takes from one account what it gives to another.
//!
//! Nothing else is kept. What of an asset is where follows from its entries alone, so it cannot disagree with them; a mistake
//! is corrected by an entry that undoes it.

use std::{collections::BTreeMap, fmt};

use chrono::NaiveDate;

use super::{OrganisationId, Refused};

chassis::coded_enum! {
    /// What an asset is.
    AssetKind, "kind of asset" {
        /// Rooms and offices, one of each.
        Premises = "premises",
        Equipment = "equipment",
    }
}

/// Where units of an asset can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// Outside: from where things are bought or given.
    Source,
    Store,
    /// With one organisation.
    Lent(OrganisationId),
    Damaged,
    WrittenOff,
}

impl Account {
    /// What it is called in tables.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Store => "store",
            Self::Lent(_) => "lent",
            Self::Damaged => "damaged",
            Self::WrittenOff => "written_off",
        }
    }

    /// The account of a code; the organisation counts where something is lent.
    pub fn of(code: &str, organisation: Option<OrganisationId>) -> Option<Self> {
        match (code, organisation) {
            ("source", _) => Some(Self::Source),
            ("store", _) => Some(Self::Store),
            ("lent", Some(organisation)) => Some(Self::Lent(organisation)),
            ("damaged", _) => Some(Self::Damaged),
            ("written_off", _) => Some(Self::WrittenOff),
            _ => None,
        }
    }

    pub const fn organisation(self) -> Option<OrganisationId> {
        match self {
            Self::Lent(organisation) => Some(organisation),
            Self::Source | Self::Store | Self::Damaged | Self::WrittenOff => None,
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One entry: so many from here to there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub from: Account,
    pub to: Account,
    pub quantity: i64,
    /// When what is lent is to come back.
    pub due_on: Option<NaiveDate>,
}

/// What one organisation has: how many by when, the first due first.
pub type Loan = BTreeMap<NaiveDate, i64>;

/// What of an asset is where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Came from outside, less what went back there.
    pub taken_in: i64,
    pub in_store: i64,
    pub damaged: i64,
    pub written_off: i64,
    pub lent: BTreeMap<OrganisationId, Loan>,
}

impl Holdings {
    /// What the entries come to. One that was ever refused is not among them; so a ledger that does not add up is damaged.
    pub fn of(entries: impl IntoIterator<Item = Entry>) -> Result<Self, Refused> {
        let mut holdings = Self::default();
        for entry in entries {
            holdings.enter(entry)?;
        }
        Ok(holdings)
    }

    /// Makes an entry. More than there is goes nowhere.
    pub fn enter(&mut self, entry: Entry) -> Result<(), Refused> {
        let Entry { from, to, quantity, due_on } = entry;
        if from == to || quantity < 1 {
            return Err(Refused::NoSuchMove { from, to });
        }
        let there = self.at(from);
        if from != Account::Source && there < quantity {
            return Err(Refused::NotThere { at: from, there, wanted: quantity });
        }
        self.add(from, -quantity, None);
        self.add(to, quantity, due_on);
        Ok(())
    }

    /// How many are there. Outside, there are as many less as were taken in.
    pub fn at(&self, account: Account) -> i64 {
        match account {
            Account::Source => -self.taken_in,
            Account::Store => self.in_store,
            Account::Lent(organisation) => self.lent.get(&organisation).map_or(0, |loan| loan.values().sum()),
            Account::Damaged => self.damaged,
            Account::WrittenOff => self.written_off,
        }
    }

    fn add(&mut self, account: Account, quantity: i64, due_on: Option<NaiveDate>) {
        match account {
            Account::Source => self.taken_in -= quantity,
            Account::Store => self.in_store += quantity,
            Account::Damaged => self.damaged += quantity,
            Account::WrittenOff => self.written_off += quantity,
            Account::Lent(organisation) if quantity < 0 => self.give_back(organisation, -quantity),
            Account::Lent(organisation) => {
                let loan = self.lent.entry(organisation).or_default();
                *loan.entry(due_on.unwrap_or(NaiveDate::MAX)).or_default() += quantity;
            }
        }
    }

    /// What comes back is what was due first.
    fn give_back(&mut self, organisation: OrganisationId, mut quantity: i64) {
        let Some(loan) = self.lent.get_mut(&organisation) else { return };
        while quantity > 0 {
            let Some(mut first) = loan.first_entry() else { break };
            let back = quantity.min(*first.get());
            quantity -= back;
            *first.get_mut() -= back;
            if *first.get() == 0 {
                first.remove();
            }
        }
        if loan.is_empty() {
            self.lent.remove(&organisation);
        }
    }

    /// The day on which the first of it is to come back.
    pub fn due_on(&self, organisation: OrganisationId) -> Option<NaiveDate> {
        self.lent.get(&organisation)?.keys().next().copied()
    }

    /// How many were to be back before this day.
    pub fn overdue(&self, organisation: OrganisationId, today: NaiveDate) -> i64 {
        self.lent.get(&organisation).map_or(0, |loan| loan.range(..today).map(|(_, quantity)| quantity).sum())
    }
}

/// What the office itself may move: everything but loans, which have two sides that agree.
pub fn check_move(kind: AssetKind, from: Account, to: Account) -> Result<(), Refused> {
    let known = matches!(
        (from, to),
        (Account::Source, Account::Store)
            | (Account::Store, Account::Source | Account::Damaged | Account::WrittenOff)
            | (Account::Damaged, Account::Store | Account::WrittenOff)
            | (Account::WrittenOff, Account::Store | Account::Damaged)
    );
    match (known, kind, from) {
        (true, AssetKind::Premises, Account::Source) => Err(Refused::OneOfEach),
        (true, ..) => Ok(()),
        (false, ..) => Err(Refused::NoSuchMove { from, to }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn day(n: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day") + chrono::Days::new(n)
    }

    fn account() -> impl Strategy<Value = Account> {
        prop_oneof![
            Just(Account::Source),
            Just(Account::Store),
            Just(Account::Damaged),
            Just(Account::WrittenOff),
            (0u128..3).prop_map(|n| Account::Lent(OrganisationId(Uuid::from_u128(n)))),
        ]
    }

    fn entry() -> impl Strategy<Value = Entry> {
        (account(), account(), 0i64..20, 0u64..10).prop_map(|(from, to, quantity, due)| Entry {
            from,
            to,
            quantity,
            due_on: Some(day(due)),
        })
    }

    fn all(holdings: &Holdings) -> i64 {
        let lent: i64 = holdings.lent.values().flat_map(BTreeMap::values).sum();
        holdings.in_store + holdings.damaged + holdings.written_off + lent
    }

    #[test]
    fn what_comes_back_is_what_was_due_first() {
        let club = OrganisationId(Uuid::from_u128(1));
        let lend =
            |quantity, due| Entry { from: Account::Store, to: Account::Lent(club), quantity, due_on: Some(day(due)) };
        let taken = Entry { from: Account::Source, to: Account::Store, quantity: 10, due_on: None };
        let mut holdings = Holdings::of([taken, lend(3, 9), lend(4, 2)]).expect("there are ten");
        assert_eq!((holdings.due_on(club), holdings.overdue(club, day(2))), (Some(day(2)), 0));
        assert_eq!(holdings.overdue(club, day(3)), 4);
        let back = |quantity| Entry { from: Account::Lent(club), to: Account::Damaged, quantity, due_on: None };
        holdings.enter(back(5)).expect("it has seven");
        assert_eq!((holdings.due_on(club), holdings.overdue(club, day(3)), holdings.damaged), (Some(day(9)), 0, 5));
        let refused = holdings.enter(back(3)).expect_err("it has two");
        assert_eq!(refused, Refused::NotThere { at: Account::Lent(club), there: 2, wanted: 3 });
        let refused = holdings.enter(lend(4, 1)).expect_err("three are in store");
        assert_eq!(refused.reason(), "NOT_IN_STORE");
        holdings.enter(back(2)).expect("the rest");
        assert_eq!((holdings.due_on(club), holdings.lent.len()), (None, 0));
    }

    proptest! {
        /// Whatever is tried, the ledger balances: what was taken in is what is somewhere, nowhere is less than nothing, what
        /// was refused changed nothing, and the entries that were made come to the same when they are read again.
        #[test]
        fn the_ledger_always_balances(tried in proptest::collection::vec(entry(), 0..80)) {
            let (mut holdings, mut made) = (Holdings::default(), Vec::new());
            for entry in tried {
                let before = holdings.clone();
                if holdings.enter(entry).is_ok() {
                    made.push(entry);
                } else {
                    prop_assert_eq!(&holdings, &before);
                }
                prop_assert_eq!(all(&holdings), holdings.taken_in);
                prop_assert!([holdings.in_store, holdings.damaged, holdings.written_off].iter().all(|n| *n >= 0));
                prop_assert!(holdings.lent.values().flat_map(BTreeMap::values).all(|n| *n > 0));
            }
            prop_assert_eq!(Holdings::of(made), Ok(holdings));
        }

        /// What the office moves by itself is never lent, and never more of a room than there is.
        #[test]
        fn the_office_moves_no_loans(from in account(), to in account()) {
            for kind in AssetKind::ALL {
                if check_move(*kind, from, to).is_ok() {
                    prop_assert!(from != to && from.organisation().is_none() && to.organisation().is_none());
                    prop_assert!(*kind == AssetKind::Equipment || from != Account::Source);
                }
            }
        }
    }
}
