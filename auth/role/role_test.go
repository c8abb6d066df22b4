package role

import (
	"slices"
	"testing"
)

func TestNoAdministratorHoldsWhatAnotherHolds(t *testing.T) {
	r := Rules{UsersCreateRooms: true}
	for p, holder := range map[Permission][]Role{
		ManageAccounts: {System}, AssignRoles: {Security}, Approve: {Security}, ManagePolicy: {Security}, EndRooms: {Security},
		ReadAudit: {Auditor}, ExportAudit: {Auditor}, ManageNodes: {System, Operator}, CreateRooms: {Organiser, User},
		SeeAddresses: {Security, Auditor}, // those who read addresses elsewhere: in facts of rules, in the record
	} {
		for _, one := range All() {
			if one == Sole {
				continue
			}
			if got := r.May(one, p); got != slices.Contains(holder, one) {
				t.Errorf("%s, %s: %v", one, p, got)
			}
		}
	}
}

func TestOneAdministratorHoldsAllOnlyWhereTheDeploymentSaysSo(t *testing.T) {
	alone := Rules{SingleAdmin: true}
	for _, p := range []Permission{ManageAccounts, AssignRoles, Approve, ReadAudit, CreateRooms} {
		if !alone.May(Sole, p) {
			t.Errorf("the only administrator lacks %s", p)
		}
	}
	if got := (Rules{}).Of(Sole); !slices.Equal(got, table[System]) {
		t.Errorf("elsewhere it is a system administrator: %v", got)
	}
	if alone.May(System, Approve) {
		t.Error("another administrator gained")
	}
}

func TestUnknownRolesMayNothing(t *testing.T) {
	for _, r := range []Role{"", "admin", "guest", "Sole_admin"} {
		if got := (Rules{true, true}).Of(r); len(got) != 0 || r.Valid() {
			t.Errorf("%q: %v", r, got)
		}
	}
}

func TestTheTableIsNotHandedOut(t *testing.T) {
	(Rules{}).Of(Auditor)[0] = ManageAccounts
	if (Rules{}).May(Auditor, ManageAccounts) {
		t.Error("a caller changed the table")
	}
}
