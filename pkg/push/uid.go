package push

// Uid is a user's id.
type Uid uint64 //nolint:revive // the seed's API fixes the name
