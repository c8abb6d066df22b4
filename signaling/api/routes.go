package api

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"incamera/auth/role"
	"incamera/signaling/problem"
)

// handler answers with a value, or an error that translate knows.
type handler func(w http.ResponseWriter, r *http.Request) (any, error)

// created is an answer with status 201.
type created struct{ value any }

// file is an answer that is no JSON object.
type file struct {
	kind   string
	data   []byte
	header http.Header
}

// route is one line of the API. Requests that guess or cost have the smaller budget. Who lacks what it needs does not
// reach its handler.
type route struct {
	pattern string
	guess   bool
	needs   role.Permission
	serve   handler
}

const programsPrefix = "/api/v1/client/"

// pages are the routes of people; a cookie says who asks.
func (a *API) pages() []route {
	return []route{
		{"GET /api/v1/me", false, role.Account, a.me},
		{"GET /api/v1/setup", false, role.Anyone, a.setupNeeded},
		{"POST /api/v1/setup", true, role.Anyone, a.setup},
		{"POST /api/v1/invite", true, role.Anyone, a.acceptInvite},
		{"GET /api/v1/sign-in", false, role.Session, a.waitsFor},
		{"POST /api/v1/sign-in", true, role.Anyone, a.signIn},
		{"GET /api/v1/sign-in/providers", false, role.Anyone, a.listProviders},
		{"POST /api/v1/sign-in/oidc/{provider}", true, role.Anyone, a.leaveFor},
		{"GET /api/v1/sign-in/oidc/{provider}/callback", true, role.Anyone, a.comeBack},
		{"POST /api/v1/second-factor/oidc", true, role.Session, a.leaveToConfirm},
		{"POST /api/v1/oidc/{provider}/logout", true, role.Anyone, a.providerLogout},
		{"POST /api/v1/sign-in/passkey/options", true, role.Anyone, a.askPasskey},
		{"POST /api/v1/sign-in/passkey", true, role.Anyone, a.passkeySignIn},
		{"POST /api/v1/second-factor", true, role.Session, a.secondFactor},
		{"POST /api/v1/second-factor/passkey/options", true, role.Session, a.askConfirm},
		{"POST /api/v1/second-factor/passkey", true, role.Session, a.confirmPasskey},
		{"GET /api/v1/factors", false, role.Account, a.listFactors},
		{"POST /api/v1/factors/totp", true, role.Session, a.enrolTOTP},
		{"POST /api/v1/factors/totp/confirm", true, role.Session, a.confirmTOTP},
		{"DELETE /api/v1/factors/totp", false, role.Account, a.removeTOTP},
		{"POST /api/v1/factors/passkeys/options", true, role.Session, a.askEnrol},
		{"POST /api/v1/factors/passkeys", true, role.Session, a.enrolPasskey},
		{"PATCH /api/v1/factors/passkeys/{id}", false, role.Account, a.renamePasskey},
		{"DELETE /api/v1/factors/passkeys/{id}", false, role.Account, a.removePasskey},
		{"POST /api/v1/factors/recovery", true, role.Account, a.newRecovery},
		{"GET /api/v1/identities", false, role.Account, a.ownIdentities},
		{"POST /api/v1/identities/oidc/{provider}", true, role.Account, a.leaveToLink},
		{"DELETE /api/v1/identities/{identity}", false, role.Account, a.unlinkOwn},
		{"POST /api/v1/password", true, role.Account, a.changePassword},
		{"POST /api/v1/password/forgot", true, role.Anyone, a.forgotPassword},
		{"POST /api/v1/password/reset/passkey/options", true, role.Anyone, a.askReset},
		{"POST /api/v1/password/reset", true, role.Anyone, a.resetPassword},
		{"GET /api/v1/sessions", false, role.Account, a.listSessions},
		{"DELETE /api/v1/sessions", false, role.Account, a.endSessions},
		{"DELETE /api/v1/sessions/{id}", false, role.Account, a.endSession},
		{"POST /api/v1/sign-out", false, role.Anyone, a.signOut},
		{"GET /api/v1/users", false, role.ReadAccounts, a.listUsers},
		{"POST /api/v1/users", false, role.ManageAccounts, a.createUser},
		{"POST /api/v1/users/{id}/invite", false, role.ManageAccounts, a.inviteAgain},
		{"POST /api/v1/users/{id}/role", false, role.AssignRoles, a.changeRole},
		{"POST /api/v1/users/{id}/disable", false, role.ManageAccounts, a.disableUser},
		{"POST /api/v1/users/{id}/enable", false, role.ManageAccounts, a.enableUser},
		{"POST /api/v1/users/{id}/reset-link", false, role.ManageAccounts, a.resetLink},
		{"POST /api/v1/users/{id}/reset-factors", false, role.ManageAccounts, a.resetFactors},
		{"GET /api/v1/users/{id}/identities", false, role.ReadAccounts, a.listIdentities},
		{"POST /api/v1/users/{id}/identities", false, role.ManageAccounts, a.linkIdentity},
		{"DELETE /api/v1/users/{id}/identities/{identity}", false, role.ManageAccounts, a.unlinkIdentity},
		{"GET /api/v1/users/{id}/sessions", false, role.ManageAccounts, a.sessionsOf},
		{"DELETE /api/v1/users/{id}/sessions", false, role.ManageAccounts, a.endSessionsOf},
		{"GET /api/v1/approvals", false, role.ReadApprovals, a.listApprovals},
		{"POST /api/v1/approvals/{id}/approve", false, role.Approve, a.approve},
		{"DELETE /api/v1/approvals/{id}", false, role.ReadApprovals, a.withdraw},
		{"GET /api/v1/policy", false, role.ManagePolicy, a.listPolicies},
		{"GET /api/v1/policy/{version}", false, role.ManagePolicy, a.showPolicy},
		{"POST /api/v1/policy", true, role.ManagePolicy, a.setPolicy},
		{"POST /api/v1/policy/{version}/activate", true, role.ManagePolicy, a.activatePolicy},
		{"POST /api/v1/policy/check", true, role.ManagePolicy, a.checkPolicy},
		{"POST /api/v1/policy/explain", true, role.ManagePolicy, a.explainPolicy},
		{"GET /api/v1/audit", true, role.ReadAudit, a.searchAudit},
		{"GET /api/v1/audit/export", true, role.ExportAudit, a.exportAudit},
		{"GET /api/v1/clients", false, role.ManagePolicy, a.listClients},
		{"PATCH /api/v1/clients/{id}", false, role.ManagePolicy, a.trustClient},
		{"POST /api/v1/network-test", true, role.Meet, a.networkTest},
		{"GET /api/v1/rooms", false, role.Meet, a.listRooms},
		{"POST /api/v1/rooms", false, role.CreateRooms, a.createRoom},
		{"GET /api/v1/rooms/{room}", false, role.Anyone, a.roomFacts},
		{"PATCH /api/v1/rooms/{room}", false, role.Meet, a.changeRoom},
		{"DELETE /api/v1/rooms/{room}", false, role.Meet, a.deleteRoom},
		{"GET /api/v1/rooms/all", false, role.EndRooms, a.allRooms},
		{"POST /api/v1/rooms/{room}/end", false, role.Meet, a.endMeeting},
		{"POST /api/v1/rooms/{room}/token", false, role.Meet, a.roomToken},
		{"POST /api/v1/rooms/{room}/lobby", true, role.Anyone, a.lobbyPass},
		{"GET /api/v1/rooms/{room}/stream-keys", false, role.Meet, a.listStreamKeys},
		{"POST /api/v1/rooms/{room}/stream-keys", true, role.Meet, a.createStreamKey},
		{"DELETE /api/v1/rooms/{room}/stream-keys/{id}", false, role.Meet, a.revokeStreamKey},
		{"GET /api/v1/rooms/{room}/guest-links", false, role.Meet, a.listGuestLinks},
		{"POST /api/v1/rooms/{room}/guest-links", true, role.Meet, a.createGuestLink},
		{"DELETE /api/v1/rooms/{room}/guest-links/{id}", false, role.Meet, a.revokeGuestLink},
		{"POST /api/v1/guest/link", true, role.Anyone, a.guestLink},
		{"POST /api/v1/guest/code", true, role.Anyone, a.guestCode},
		{"POST /api/v1/guest/lobby", true, role.Anyone, a.guestLobby},
		{"GET /api/v1/openapi.yaml", false, role.Anyone, a.openAPIDocument},
		{"GET /api/v1/openapi.json", false, role.Anyone, a.openAPIAsJSON},
		{"/api/v1/", false, role.Anyone, a.nothing},
	}
}

// programs are the routes of API clients, which carry a signed assertion; cookies are not looked at.
func (a *API) programs() []route {
	return []route{
		{"POST /api/v1/client/rooms", false, role.Program, a.clientRoom},
		{"PATCH /api/v1/client/rooms/{room}", false, role.Program, a.clientChangeRoom},
		{"DELETE /api/v1/client/rooms/{room}", false, role.Program, a.clientDeleteRoom},
		{"POST /api/v1/client/rooms/{room}/tokens", false, role.Program, a.clientToken},
		{programsPrefix, false, role.Program, a.nothing},
	}
}

func (a *API) nothing(http.ResponseWriter, *http.Request) (any, error) { return nil, errNotFound }

// Handler routes /api/v1. Requests that change something must come from the own origin
// (http.CrossOriginProtection), but for those of API clients, which carry a signed assertion and no cookie.
func (a *API) Handler() http.Handler {
	own := http.NewCrossOriginProtection()
	// A proxy in front may have changed Host; what people type is the own origin all the same.
	if err := own.AddTrustedOrigin(a.publicURL); err != nil {
		a.log.Warn("the public URL is not an origin", "error", err)
	}
	own.SetDenyHandler(a.wrap(a.all, "all", func(http.ResponseWriter, *http.Request) (any, error) { return nil, errOtherSite }))
	programs, pages := a.mux(a.programs()), own.Handler(a.mux(a.pages()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, programsPrefix) {
			programs.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

func (a *API) mux(routes []route) *http.ServeMux {
	m := http.NewServeMux()
	for _, r := range routes {
		limit, kind := a.all, "all"
		if r.guess {
			limit, kind = a.guesses, "guess"
		}
		m.Handle(r.pattern, a.wrap(limit, kind, a.allowed(r.needs, r.serve)))
	}
	return m
}

func (a *API) wrap(l *limiter, kind string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if err := a.spend(r, l, kind); err != nil {
			a.answer(w, r, 0, nil, err)
			return
		}
		v, err := h(w, r)
		status := http.StatusOK
		if c, ok := v.(created); ok {
			status, v = http.StatusCreated, c.value
		} else if to, ok := v.(redirect); ok {
			w.Header().Set("Location", to.to)
			status, v = http.StatusSeeOther, nil
		} else if v == nil {
			status = http.StatusNoContent
		}
		a.answer(w, r, status, v, err)
	})
}

// SpendGuess takes one guess from the budget of an address, for doors beside this one.
func (a *API) SpendGuess(addr netip.Addr) (wait time.Duration, ok bool) {
	if wait, ok = a.guesses.take(addr, a.now()); !ok {
		a.metrics.limited.WithLabelValues("guess").Inc()
	}
	return wait, ok
}

// spend takes one request from an address's budget.
func (a *API) spend(r *http.Request, l *limiter, kind string) error {
	wait, ok := l.take(a.address(r), a.now())
	if ok {
		return nil
	}
	a.metrics.limited.WithLabelValues(kind).Inc()
	return problem.TooMany(wait)
}
