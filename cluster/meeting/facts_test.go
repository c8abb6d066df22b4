package meeting_test

import (
	"strings"
	"testing"

	"incamera/auth/token"
	"incamera/cluster/meeting"
)

// A room that was changed is told to those who follow its meeting; only the deployment says so.
func TestARunningMeetingLearnsWhatItsRoomIsNow(t *testing.T) {
	each(t, func(h *house) {
		h.want(h.Rename(h.ctx, h.room, meeting.Facts{Title: "Budget"}), meeting.CodeNotFound)
		h.join("host", token.RoleHost)
		before := h.snapshot()
		h.ok(h.Rename(h.ctx, h.room, meeting.Facts{Title: "Budget II", Class: "secret"}))
		h.ok(h.Rename(h.ctx, h.room, meeting.Facts{Title: "Budget II", Class: "secret"})) // again: no event
		s := h.snapshot()
		if s.Title != "Budget II" || s.Class != "secret" || s.Version != before.Version+1 {
			h.Errorf("the meeting is %+v", s)
		}
		events, err := h.EventsSince(h.ctx, h.room, before.Version)
		h.ok(err)
		if len(events) != 1 || !before.Apply(events[0], 10) || before.Title != "Budget II" || before.Class != "secret" {
			h.Errorf("events %+v lead to %+v", events, before)
		}
		h.want(h.Rename(h.ctx, h.room, meeting.Facts{Title: strings.Repeat("x", 401)}), meeting.CodeLimit)
	})
}

func TestAMeetingOfALockedRoomBeginsLocked(t *testing.T) {
	each(t, func(h *house) {
		locked := func(name string, role token.Role) meeting.JoinRequest {
			r := h.request(name, role)
			r.Locked = true
			return r
		}
		_, err := h.Join(h.ctx, locked("ada", token.RoleParticipant))
		h.want(err, meeting.CodeLocked)
		admitted := locked("bob", token.RoleParticipant)
		admitted.BypassLock = true
		_, err = h.Join(h.ctx, admitted)
		h.ok(err)
		if !h.snapshot().Locked {
			h.Error("it is open")
		}
		_, err = h.Join(h.ctx, locked("host", token.RoleHost))
		h.ok(err)
		h.ok(h.SetLocked(h.ctx, h.room, meeting.ServerActor(), false))
		_, err = h.Join(h.ctx, locked("ada", token.RoleParticipant)) // of a meeting that runs, its own lock counts
		h.ok(err)
	})
}
