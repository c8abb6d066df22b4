package session

import "context"

// verb is a message of a client: in which states it may come, and what it does. A verb that does not answer by itself
// is answered with ok.
type verb struct {
	in  State
	run func(ctx context.Context, s *Session, req *request) error
}

// verbs names every message by its JSON name.
func verbs() map[string]verb {
	const anytime = StateGreeted | StateWaiting | StateJoined
	return map[string]verb{
		"hello":      {StateOpened, hello},
		"ping":       {anytime, ping},
		"leave":      {anytime, leave},
		"join":       {StateGreeted | StateWaiting, join},
		"resume":     {StateGreeted, resume},
		"enterLobby": {StateGreeted, enterLobby},

		"setMedia":    {StateJoined, setMedia},
		"setWishes":   {StateJoined, setWishes},
		"renegotiate": {StateJoined, renegotiate},
		"moveOffer":   {StateJoined, moveOffer},

		"confirmFactor": {StateJoined, confirmFactor},

		"setHand":  {StateJoined, setHand},
		"sendChat": {StateJoined, sendChat},

		"muteParticipant":   {StateJoined, muteParticipant},
		"removeParticipant": {StateJoined, removeParticipant},
		"setRole":           {StateJoined, setRole},
		"setLocked":         {StateJoined, setLocked},
		"admit":             {StateJoined, admit},
		"decline":           {StateJoined, decline},
		"endMeeting":        {StateJoined, endMeeting},
	}
}
