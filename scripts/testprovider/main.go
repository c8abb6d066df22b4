// Command testprovider runs a real OpenID provider (zitadel/oidc) for the browser tests: it signs in one person, at a
// click, with a second factor or without. It is for tests alone: whoever clicks is let in.
package main

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"incamera/auth/oidc/oidctest"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "host:port, without TLS")
	app := flag.String("app", "", "public URL of the deployment")
	name := flag.String("name", "corp", "the provider's name there")
	flag.Parse()
	p, err := oidctest.New(oidctest.Options{
		ClientID: "incamera", Secret: "test secret", Listen: *listen, Page: true,
		Redirect: *app + "/api/v1/sign-in/oidc/" + *name + "/callback", PostLogout: *app + "/sign-in",
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	p.SignsIn(func(ask url.Values) oidctest.Person {
		who := oidctest.Person{Subject: "4711", Login: "wei.min", Name: "Wei Min", AMR: []string{"pwd"}, SID: "s1"}
		if ask.Get("factor") != "" {
			who.ACR, who.AMR = "mfa", []string{"pwd", "otp"}
		}
		if ask.Get("factor") == "other" {
			who.Subject, who.Login, who.Name, who.SID = "4712", "lin.elsewhere", "Lin Yue", "s2"
		}
		return who
	})
	fmt.Println("provider ready:", p.Issuer)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
	p.Close()
}
