// Package ledger is the judge: it holds what was published and confirmed against
// what came out, and counts the classes of Jepsen's queue checker: ok, lost,
// unexpected, duplicated, recovered.
//
// It refuses to know what was done to the processes under test, and believes
// nothing that they say of themselves: it is told of acknowledgements by the
// publisher, and of arrivals by the provider's log and by files that outlive the
// processes. What is lost at its border: everything of a receipt but its number,
// its recipients and its collapse key.
package ledger
