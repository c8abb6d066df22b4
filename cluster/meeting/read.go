package meeting

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"incamera/auth/token"
)

// Snapshot reads the whole state at one moment. A room where people only wait has an empty Meeting.
func (s *Store) Snapshot(ctx context.Context, room string) (Snapshot, error) {
	res, err := s.run(ctx, "snapshot", "read", room, args{})
	if err != nil {
		return Snapshot{}, err
	}
	return s.known.snapshot("snapshot", room, res.list(0))
}

type participantJSON struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Role      string `json:"role"`
	Assurance string `json:"as"`
	Number    uint32 `json:"n"`
	Publish   uint8  `json:"pub"`
	On        uint8  `json:"on"`
	Muted     uint8  `json:"mu"`
	Hard      uint8  `json:"ha"`
	Hand      int64  `json:"hand"`
	At        int64  `json:"at"`
	Away      int    `json:"away"`
}

func readParticipant(op, raw string) (Participant, error) {
	var j participantJSON
	if err := json.Unmarshal([]byte(raw), &j); err != nil {
		return Participant{}, broken(op, "participant", err)
	}
	p := Participant{
		ID: j.ID, Name: j.Name, Role: token.Role(j.Role), Assurance: token.Assurance(j.Assurance), Number: j.Number,
		Hand: j.Hand != 0, HandAt: millis(j.Hand), JoinedAt: millis(j.At), Present: j.Away == 0,
		HardMuted: j.Hard>>token.Mic&1 == 1,
	}
	for _, k := range token.AllKinds() {
		if j.Publish>>k&1 == 1 {
			p.Media = append(p.Media, MediaSource{
				Kind: k, On: j.On>>k&1 == 1, MutedByHost: j.Muted>>k&1 == 1, Hard: j.Hard>>k&1 == 1,
			})
		}
	}
	return p, nil
}

type chatJSON struct {
	ID          string `json:"id"`
	Participant string `json:"p"`
	Name        string `json:"name"`
	Text        string `json:"text"`
	At          int64  `json:"at"`
}

func readChat(op, raw string) (ChatMessage, error) {
	var j chatJSON
	if err := json.Unmarshal([]byte(raw), &j); err != nil {
		return ChatMessage{}, broken(op, "chat message", err)
	}
	return ChatMessage{ID: j.ID, Participant: j.Participant, Name: j.Name, Text: j.Text, At: millis(j.At)}, nil
}

// snapshot reads what snapshot() of the prelude answered: document, generation, participants, waiters, chat.
func (k *known) snapshot(op, room string, raw []any) (Snapshot, error) {
	r := reply(raw)
	doc := pairs(r.list(0))
	snap := Snapshot{
		Room: room, Meeting: doc["meeting"], Title: doc["title"], Class: doc["class"],
		Locked: doc["locked"] == "1", E2EE: doc["e2ee"] == "1",
	}
	var err error
	if snap.Generation, err = strconv.ParseUint(r.str(1), 10, 64); err != nil {
		return Snapshot{}, broken(op, "generation", err)
	}
	if snap.Version, err = strconv.ParseUint(doc["version"], 10, 64); err != nil {
		return Snapshot{}, broken(op, "version", err)
	}
	started, err := strconv.ParseInt(doc["started"], 10, 64)
	if err != nil {
		return Snapshot{}, broken(op, "start", err)
	}
	snap.StartedAt = millis(started)
	if snap.Participants, err = readAll(op, r.list(2), k.participant); err != nil {
		return Snapshot{}, err
	}
	if snap.Waiting, err = readAll(op, r.list(3), readWaiter); err != nil {
		return Snapshot{}, err
	}
	if snap.Chat, err = readAll(op, r.list(4), readChat); err != nil {
		return Snapshot{}, err
	}
	snap.sort()
	return snap, nil
}

func (s *Snapshot) sort() {
	slices.SortFunc(s.Participants, func(a, b Participant) int { return cmp.Compare(a.Number, b.Number) })
	slices.SortFunc(s.Waiting, func(a, b Waiter) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
}

func readAll[T any](op string, raw []any, read func(op, raw string) (T, error)) ([]T, error) {
	out := make([]T, 0, len(raw))
	for _, v := range raw {
		text, _ := v.(string)
		t, err := read(op, text)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func readSeats(op string, flat []any) ([]Seat, error) {
	var out []Seat
	for id, raw := range pairs(flat) {
		seat, err := readSeat(op, id, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, seat)
	}
	slices.SortFunc(out, func(a, b Seat) int { return cmp.Compare(a.Participant, b.Participant) })
	return out, nil
}

func pairs(flat []any) map[string]string {
	m := make(map[string]string, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		k, _ := flat[i].(string)
		m[k], _ = flat[i+1].(string)
	}
	return m
}
