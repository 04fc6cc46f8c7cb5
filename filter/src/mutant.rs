//! Faults of the filter that can be put in on purpose, to see that a check finds them.
//!
//! The switch is keytable's. Invariant: without it nothing behaves differently.

keytable::faults! {
    1_000:
    /// Of the feed's protocol.
    OF_THE_FEED {
        /// An answer to another request counts.
        TakeAnyAnswer,
        /// A lease is counted from when the answer came.
        RenewFromReceipt,
        /// A page is taken that does not follow.
        PagesInAnyOrder,
        /// A snapshot's lease is counted from its last page.
        RenewFromLastPage,
        /// Pages of several snapshots make one.
        MixSnapshots,
        /// A snapshot is complete with any page.
        OnePageIsAll,
        /// Buckets that a snapshot leaves empty keep their records.
        KeepOldBuckets,
        /// Workers are not told of a new table.
        KeepTheEdition,
        /// What a delta removes stays.
        SkipRemovals,
        /// A snapshot older than the table is taken.
        AcceptOlder,
        /// A delta is taken that begins elsewhere.
        AcceptGaps,
        /// A delta of another history is taken.
        AcceptOtherEpochs,
        /// A delta is taken on a snapshot half loaded.
        BuildOnAMixture,
        /// What is in force is never told.
        SkipTheAck,
        /// A request whose answer never comes is waited for, for ever.
        NeverGiveUp,
        /// The head is written before the slots.
        HeadFirst,
        /// What Envoy did not take is acknowledged.
        AckTheUnwritten,
        /// Workers do not learn which buckets have changed.
        NoteNoChange,
    }
    /// Of limits.
    OF_LIMITS {
        /// No cells are made.
        MakeNoCells,
        /// A cell is taken for written, though somebody else was faster.
        IgnoreTheMismatch,
        /// A cell is tried to be changed for as long as others are faster.
        TryForEver,
        /// A cell is written under number 0, under which Envoy compares nothing.
        WriteUnderZero,
        /// What the key holds stays when its account refuses.
        KeepTheKeys,
        /// Time is Envoy's own, whatever the ledger says.
        TrustTheWallClock,
        /// A window is forgotten as soon as it is over, wherever the clock may come back to.
        TidyByTheNewestTime,
        /// The record's window counts, though the ledger's time is before it.
        TrustTheRecord,
        /// Envoy's own time counts, though the record's window began later.
        GoBackBeforeTheRecord,
        /// Who has not heard the ledger goes on, whatever the limit says.
        ServeApart,
        /// A settlement that failed is forgotten.
        ForgetTheUnsettled,
        /// A gate that says that it lives is given up all the same.
        GiveUpTheTalking,
        /// Nobody is given up.
        GiveUpNobody,
        /// Nothing is ever urgent.
        TakeYourTime,
        /// A batch is begun while another is open.
        BeginBesideTheOpen,
        /// Nobody looks whether the slots are as they were written.
        TrustTheSlots,
    }
}
