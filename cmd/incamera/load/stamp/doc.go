// Package stamp is the mark that a publisher leaves at the end of a payload and a viewer finds there: when the packet was
// sent, and of which layer it is. It is inside the encryption, where no server looks.
package stamp
