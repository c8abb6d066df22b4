package problem

import (
	"net/http/httptest"
	"testing"
	"time"
)

func TestARefusalSaysWhatAndWhenToAskAgain(t *testing.T) {
	w := httptest.NewRecorder()
	TooMany(1200*time.Millisecond + time.Microsecond).Write(w)
	const want = `{"error":{"code":"rate_limited","message":"too many requests from your address","retry_after_ms":1201}}` + "\n"
	if w.Code != 429 || w.Header().Get("Retry-After") != "2" || w.Header().Get("Content-Type") != "application/json" || w.Body.String() != want {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	w = httptest.NewRecorder()
	(&Problem{Status: 404, Code: "not_found", Text: "gone"}).Write(w)
	if w.Code != 404 || w.Header().Get("Retry-After") != "" || w.Body.String() != `{"error":{"code":"not_found","message":"gone"}}`+"\n" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	w = httptest.NewRecorder()
	(&Problem{Status: 403, Code: "second_factor_required", Text: "again", ACR: "phishing_resistant", MaxAge: time.Hour}).Write(w)
	if w.Body.String() != `{"error":{"code":"second_factor_required","message":"again","acr":"phishing_resistant","max_age":3600}}`+"\n" {
		t.Errorf("%s", w.Body)
	}
}
