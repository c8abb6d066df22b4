package meeting

import (
	"slices"
	"sync"
)

// knownMost bounds what is remembered of texts that were read: about the people of many large rooms.
const knownMost = 8192

// known remembers what texts of people mean: whoever joins is given the people who are there, and of those nearly all are
// as they were for the one before.
type known struct {
	mu   sync.Mutex
	read map[string]Participant
}

// participant reads the text of a person.
func (k *known) participant(op, raw string) (Participant, error) {
	k.mu.Lock()
	p, ok := k.read[raw]
	k.mu.Unlock()
	if !ok {
		var err error
		if p, err = readParticipant(op, raw); err != nil {
			return p, err
		}
		k.mu.Lock()
		if k.read == nil || len(k.read) >= knownMost {
			k.read = map[string]Participant{}
		}
		k.read[raw] = p
		k.mu.Unlock()
	}
	p.Media = slices.Clone(p.Media) // the reader's own
	return p, nil
}
