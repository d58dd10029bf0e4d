//! What names a row.

chassis::typed_id!(
    /// Names one person's record.
    ResidentId
);
chassis::typed_id!(
    /// Names one household.
    HouseholdId
);
chassis::typed_id!(
    /// Names one dwelling.
    DwellingId
);
chassis::typed_id!(
    /// Names one person's time in one household.
    MembershipId
);
chassis::typed_id!(
    /// Names one request about somebody's data.
    DataRequestId
);
chassis::typed_id!(
    /// Names one reader's leave to look at one minor's record.
    MinorAccessId
);
chassis::typed_id!(
    /// Names one merge of two records.
    MergeId
);
