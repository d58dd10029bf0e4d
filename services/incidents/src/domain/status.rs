//! The states of an incident, and what may be done in each.

use super::actor::ActorKind;
use super::codes::coded_enum;

coded_enum! {
    /// Where an incident stands.
    Status, "state" {
        Reported = "reported",
        /// Category and urgency are known.
        Triaged = "triaged",
        /// Given to a unit that has not answered yet.
        Dispatched = "dispatched",
        Accepted = "accepted",
        InProgress = "in_progress",
        /// Work waits for the reporter's answer.
        WaitingReporter = "waiting_reporter",
        /// The handler says that it is solved; nobody else has said so yet.
        SolutionProposed = "solution_proposed",
        Closed = "closed",
        /// Taken back by the reporter.
        Withdrawn = "withdrawn",
        /// Repeats another incident and is answered with it.
        Duplicate = "duplicate",
        /// Cannot be solved now; there is a day of the next look.
        Unsolvable = "unsolvable",
        /// Comes from another system, which had passed it on to somebody else. Never counted as solved.
        Referred = "referred",
    }
}

coded_enum! {
    /// What can be done to an incident that exists.
    Action, "action" {
        Triage = "triage",
        Dispatch = "dispatch",
        Accept = "accept",
        Return = "return",
        StartWork = "start_work",
        AddNote = "add_note",
        AskReporter = "ask_reporter",
        Answer = "answer",
        ProposeSolution = "propose_solution",
        ConfirmSolution = "confirm_solution",
        Reopen = "reopen",
        Withdraw = "withdraw",
        JoinDuplicate = "join_duplicate",
        SplitOff = "split_off",
        DeclareUnsolvable = "declare_unsolvable",
        RecordCareList = "record_care_list",
        ExtendPromise = "extend_promise",
        /// A clock reached a step, or goes on after a pause.
        RecordPromise = "record_promise",
        /// The unit says that a dispatch is not its business.
        DisputeDispatch = "dispute_dispatch",
        DecideDispute = "decide_dispute",
        /// Lifts it into a matter that concerns many.
        Gather = "gather",
        /// That matter took a step.
        RecordMatter = "record_matter",
        /// The day of the next look has come.
        TakeUp = "take_up",
    }
}

coded_enum! {
    /// How a report reached the office.
    Channel, "channel" {
        App = "app",
        Phone = "phone",
        Counter = "counter",
        /// Found by a grid worker or another member of staff.
        Worker = "worker",
        Open311 = "open311",
        Partner = "partner",
        /// Passed on by the city's 12345 desk, with its number and deadline.
        Hotline12345 = "hotline12345",
        /// Came with a file, through a door this office does not have (for example e-mail).
        Import = "import",
    }
}

coded_enum! {
    /// How soon somebody must look at it.
    Urgency, "urgency" {
        Routine = "routine",
        Urgent = "urgent",
        Emergency = "emergency",
    }
}

coded_enum! {
    /// What the reporter thinks of the outcome.
    Satisfaction, "satisfaction" {
        Satisfied = "satisfied",
        BasicallySatisfied = "basically_satisfied",
        Dissatisfied = "dissatisfied",
        NotAsked = "not_asked",
    }
}

coded_enum! {
    /// Who reads an entry of the timeline.
    Visibility, "visibility" {
        /// The reporter too.
        Public = "public",
        /// The office only.
        Internal = "internal",
    }
}

impl Status {
    /// What may be done in this state, in the order of a normal course.
    pub const fn actions(self) -> &'static [Action] {
        use Action::{
            Accept, AddNote, Answer, AskReporter, ConfirmSolution, DecideDispute, DeclareUnsolvable, Dispatch,
            DisputeDispatch, ExtendPromise, Gather, JoinDuplicate, ProposeSolution, RecordCareList, RecordMatter,
            RecordPromise, Reopen, Return, SplitOff, StartWork, TakeUp, Triage, Withdraw,
        };
        match self {
            Self::Reported => &[Triage, JoinDuplicate, Withdraw, AddNote, RecordCareList, Gather, RecordMatter],
            Self::Triaged => &[
                Dispatch,
                Triage,
                JoinDuplicate,
                DeclareUnsolvable,
                Withdraw,
                AddNote,
                RecordCareList,
                Gather,
                RecordMatter,
                ExtendPromise,
                RecordPromise,
            ],
            Self::Dispatched => &[
                Accept,
                Return,
                DisputeDispatch,
                DecideDispute,
                Dispatch,
                Triage,
                JoinDuplicate,
                Withdraw,
                AddNote,
                RecordCareList,
                Gather,
                RecordMatter,
                ExtendPromise,
                RecordPromise,
            ],
            Self::Accepted => &[
                StartWork,
                Return,
                Triage,
                JoinDuplicate,
                DeclareUnsolvable,
                Withdraw,
                AddNote,
                DecideDispute,
                RecordCareList,
                Gather,
                RecordMatter,
                ExtendPromise,
                RecordPromise,
            ],
            Self::InProgress => &[
                ProposeSolution,
                AskReporter,
                Return,
                Triage,
                JoinDuplicate,
                DeclareUnsolvable,
                Withdraw,
                AddNote,
                DecideDispute,
                RecordCareList,
                Gather,
                RecordMatter,
                ExtendPromise,
                RecordPromise,
            ],
            Self::WaitingReporter => &[
                Answer,
                ProposeSolution,
                Triage,
                JoinDuplicate,
                DeclareUnsolvable,
                Withdraw,
                AddNote,
                DecideDispute,
                RecordCareList,
                Gather,
                RecordMatter,
                ExtendPromise,
                RecordPromise,
            ],
            Self::SolutionProposed => {
                &[ConfirmSolution, Reopen, SplitOff, Withdraw, AddNote, RecordCareList, Gather, RecordMatter]
            }
            Self::Closed => &[Reopen, AddNote, RecordCareList, Gather, RecordMatter],
            Self::Withdrawn => &[AddNote, RecordCareList],
            Self::Duplicate => &[Triage, SplitOff, Withdraw, AddNote, RecordCareList, Gather, RecordMatter],
            Self::Unsolvable => &[Triage, TakeUp, Withdraw, AddNote, RecordCareList, Gather, RecordMatter],
            Self::Referred => &[Triage, Withdraw, AddNote, RecordCareList, Gather, RecordMatter],
        }
    }

    pub fn allows(self, action: Action) -> bool {
        self.actions().contains(&action)
    }

    /// What brings an incident on from here, for whoever asked for something else.
    pub const fn next_step(self) -> &'static str {
        match self {
            Self::Reported => "triage it first",
            Self::Triaged => "dispatch it to a unit",
            Self::Dispatched => "let the unit accept or return it",
            Self::Accepted => "start work on it",
            Self::InProgress => "propose a solution when the work is done",
            Self::WaitingReporter => "record the reporter's answer, or propose a solution",
            Self::SolutionProposed => "let the reporter or a call-back clerk confirm or reopen it",
            Self::Closed => "reopen it if it is not solved",
            Self::Withdrawn => "report it anew if it is still wrong",
            Self::Duplicate => "act on the incident it was joined to, or split it off again",
            Self::Unsolvable => "triage it to take it up again",
            Self::Referred => "triage it to take it up here",
        }
    }
}

impl Action {
    /// Who may do it. The contract says which role may call; this says in which part one may act, whatever the door.
    pub const fn actors(self) -> &'static [ActorKind] {
        use ActorKind::{Clerk, Dispatcher, Handler, Reporter, Reviewer, System, Worker};
        match self {
            Self::Triage | Self::JoinDuplicate | Self::SplitOff => &[Dispatcher, Clerk],
            Self::Dispatch => &[Dispatcher],
            Self::Accept | Self::Return | Self::StartWork | Self::ProposeSolution | Self::DisputeDispatch => {
                &[Handler, Worker]
            }
            Self::AddNote => &[Handler, Worker, Clerk, Dispatcher, Reporter],
            Self::AskReporter => &[Handler, Worker, Clerk, Dispatcher],
            Self::Answer => &[Reporter, Clerk, Worker],
            Self::ConfirmSolution | Self::Reopen | Self::Withdraw => &[Reporter, Clerk],
            Self::DeclareUnsolvable => &[Handler, Dispatcher],
            Self::ExtendPromise | Self::DecideDispute => &[Reviewer],
            Self::Gather => &[Dispatcher, Clerk, Reviewer],
            Self::TakeUp | Self::RecordMatter | Self::RecordCareList | Self::RecordPromise => &[System],
        }
    }
}
