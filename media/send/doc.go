// Package send is what the sending side knows of one receiver: what was sent and when, how much may be sent, and what waits
// for its turn.
package send
