package directory

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	ldap "github.com/go-ldap/ldap/v3"

	"incamera/auth/account"
)

// maxGroupsFound bounds what a search for groups may give.
const maxGroupsFound = 1001

// accountDisabled is the flag of userAccountControl that shuts an account of Active Directory.
const accountDisabled = 0x2

// filter puts a text in the place of a mark, so that it is a text there and nothing else.
func filter(template, mark, text string) string {
	return strings.ReplaceAll(template, mark, ldap.EscapeFilter(text))
}

// find gives the one entry of a login; nil when there is none, or more than one.
func (d *Directory) find(c *ldap.Conn, login string) (*ldap.Entry, error) {
	attributes := []string{d.o.ID, d.o.Login, "userAccountControl"}
	for _, a := range []string{d.o.Title, d.o.GroupAttribute} {
		if a != "" && !slices.Contains(attributes, a) {
			attributes = append(attributes, a)
		}
	}
	res, err := c.Search(&ldap.SearchRequest{
		BaseDN: d.o.BaseDN, Scope: ldap.ScopeWholeSubtree, DerefAliases: ldap.NeverDerefAliases, SizeLimit: 2,
		TimeLimit: int(d.o.Timeout.Seconds()) + 1, Filter: filter(d.o.UserFilter, "{login}", login), Attributes: attributes,
	})
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded):
		return nil, nil // two people of one name are nobody
	case ldap.IsErrorWithCode(err, ldap.LDAPResultReferral):
		return nil, nil // what another server knows does not count
	case err != nil:
		return nil, err
	case len(res.Entries) != 1:
		return nil, nil
	}
	return res.Entries[0], nil
}

// read is who an entry is; c is bound as the person, and bound as the service account again where groups are searched.
func (d *Directory) read(c *ldap.Conn, entry *ldap.Entry) (account.External, error) {
	if flags, err := strconv.ParseInt(attribute(entry, "userAccountControl"), 10, 64); err == nil && flags&accountDisabled != 0 {
		return account.External{}, account.ErrCredentials
	}
	e := account.External{
		Source: Source, Issuer: "ldap:" + d.o.Name, Subject: d.id(entry), Login: attribute(entry, d.o.Login), Create: d.o.Create,
	}
	if e.Subject == "" {
		return e, fmt.Errorf("an entry has no %s", d.o.ID)
	}
	if e.Name = e.Login; d.o.Title != "" && attribute(entry, d.o.Title) != "" {
		e.Name = attribute(entry, d.o.Title)
	}
	var err error
	e.Groups, err = d.groups(c, entry)
	return e, err
}

func attribute(entry *ldap.Entry, name string) string {
	if v := entry.GetEqualFoldAttributeValues(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// id is what never changes of an entry, in text: objectGUID is bytes.
func (d *Directory) id(entry *ldap.Entry) string {
	if strings.EqualFold(d.o.ID, "objectGUID") || strings.EqualFold(d.o.ID, "objectSid") {
		if v := entry.GetEqualFoldRawAttributeValues(d.o.ID); len(v) > 0 {
			return hex.EncodeToString(v[0])
		}
		return ""
	}
	return attribute(entry, d.o.ID)
}

// groups gives the groups of a person: DNs, in small letters, or the names that a search finds.
func (d *Directory) groups(c *ldap.Conn, entry *ldap.Entry) ([]string, error) {
	if d.o.GroupAttribute != "" {
		return lower(entry.GetEqualFoldAttributeValues(d.o.GroupAttribute)), nil
	}
	if d.o.GroupFilter == "" {
		return nil, nil
	}
	if err := c.Bind(d.o.BindDN, d.o.Password); err != nil {
		return nil, err
	}
	attributes := []string{"1.1"} // no attributes
	if d.o.GroupName != "" {
		attributes = []string{d.o.GroupName}
	}
	res, err := c.Search(&ldap.SearchRequest{
		BaseDN: d.o.GroupBaseDN, Scope: ldap.ScopeWholeSubtree, DerefAliases: ldap.NeverDerefAliases, SizeLimit: maxGroupsFound,
		TimeLimit: int(d.o.Timeout.Seconds()) + 1, Filter: filter(d.o.GroupFilter, "{dn}", entry.DN), Attributes: attributes,
	})
	if err != nil {
		return nil, err
	}
	var out []string
	for _, g := range res.Entries {
		if d.o.GroupName == "" {
			out = append(out, strings.ToLower(g.DN))
		} else if name := attribute(g, d.o.GroupName); name != "" {
			out = append(out, name)
		}
	}
	return out, nil
}

func lower(in []string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = strings.ToLower(s)
	}
	return out
}
