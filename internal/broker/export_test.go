package broker

import "time"

// Patient has Close wait for a broker longer than a test waits for anything: one that ends
// before did not wait, however busy the machine is.
func Patient(c *Conn) { c.closeLimit = time.Minute }
