package rest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/manage"
	"github.com/parley-im/parley/internal/rest"
)

// description is a document as far as tests look into it.
type description struct {
	OpenAPI string
	Info    struct {
		Title, Version string
		License        struct{ Identifier string }
	}
	Tags       []struct{ Name string }
	Paths      map[string]map[string]described
	Components struct {
		Schemas         map[string]any
		Responses       map[string]any
		SecuritySchemes map[string]any
	}
	ErrorCodes []api.CodeInfo `json:"x-error-codes"`
	root       any            // the whole as JSON
}

type described struct {
	OperationID string
	Tags        []string
	Summary     string
	Deprecated  bool
	Parameters  []map[string]any
	RequestBody *struct {
		Content map[string]struct{ Schema any }
	}
	Responses map[string]struct {
		Content map[string]struct{ Schema any }
		Headers map[string]any
	}
	Security []map[string][]string
}

func readDescription(t *testing.T, text string) description {
	t.Helper()
	var d description
	for _, into := range []any{&d, &d.root} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (s *server) description(t *testing.T) description {
	t.Helper()
	return readDescription(t, s.do(t, http.MethodGet, "/openapi.json", "").text)
}

func TestDescriptionHasEveryCommandAndNoOther(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	d := s.description(t)
	var described []string
	for path, methods := range d.Paths {
		command, ok := strings.CutPrefix(path, "/v4/")
		if !ok {
			continue
		}
		described = append(described, command)
		o, ok := methods["post"]
		if !ok || len(methods) != 1 {
			t.Errorf("%s: not by POST alone", path)
		}
		if o.Summary == "" {
			t.Errorf("%s: not a word about it", path)
		}
		if want := command == api.CommandGetGroupShuttedUin; o.Deprecated != want {
			t.Errorf("%s: deprecated %t", path, o.Deprecated)
		}
		var names []string
		for _, p := range o.Parameters {
			p = resolve(t, d, p).(map[string]any)
			names = append(names, fmt.Sprint(p["in"], " ", p["name"]))
		}
		for _, scheme := range o.Security {
			for name := range scheme {
				p := d.Components.SecuritySchemes[name].(map[string]any)
				names = append(names, fmt.Sprint(p["in"], " ", p["name"]))
			}
		}
		slices.Sort(names)
		want := []string{"query contenttype", "query identifier", "query random", "query sdkappid", "query usersig"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("%s: parameters:\n%s", path, diff)
		}
		if _, sends := o.Responses["200"].Headers[api.HeaderEventID]; sends != (command == api.CommandSendGroupMsg) {
			t.Errorf("%s: %s is promised: %t", path, api.HeaderEventID, sends)
		}
	}
	want := api.Commands()
	slices.Sort(want)
	slices.Sort(described)
	if diff := cmp.Diff(want, described); diff != "" {
		t.Error(diff)
	}
}

// The patterns are read from the source, because a mux does not tell them.
func TestDescriptionHasEveryOtherAddress(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("routes.go")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{}
	for _, found := range regexp.MustCompile(`"([A-Z]+ /[^"]*)"`).FindAllStringSubmatch(string(source), -1) {
		want = append(want, found[1])
	}
	if len(want) < 3 {
		t.Fatalf("only %q found", want)
	}
	for _, o := range manage.Operations {
		want = append(want, o.Method+" /v1"+o.Path)
	}
	s := newServer(t)
	got := []string{}
	for path, methods := range s.description(t).Paths {
		if strings.HasPrefix(path, "/v4/") {
			continue
		}
		for method, o := range methods {
			got = append(got, strings.ToUpper(method)+" "+path)
			if o.Summary == "" {
				t.Errorf("%s: not a word about it", path)
			}
			// Without a UserSig an address answers itself, or asks for one.
			status := s.do(t, strings.ToUpper(method), strings.NewReplacer("{app}", "1", "{id}", "1").Replace(path), "").status
			if open := len(o.Security) == 0; open != (status == http.StatusOK) || !open && status != http.StatusUnauthorized {
				t.Errorf("%s %s: open %t, answered %d", method, path, open, status)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Each operation is a method of our own client, and says who may call it.
func TestEveryOperationHasAMethodOfTheClient(t *testing.T) {
	t.Parallel()
	d := newServer(t).description(t)
	client := reflect.TypeFor[*api.Client]()
	for _, o := range manage.Operations {
		if _, ok := client.MethodByName(o.Name); !ok {
			t.Errorf("%s %s: the client has no method %s", o.Method, o.Path, o.Name)
		}
		described := d.Paths["/v1"+o.Path][strings.ToLower(o.Method)]
		if described.OperationID != o.Name {
			t.Errorf("%s %s: described as %q", o.Method, o.Path, described.OperationID)
		}
		if reads := len(described.Security) == 2; reads != (o.Access == manage.Reads) || reads && o.Method != http.MethodGet {
			t.Errorf("%s %s: a token may call it: %t", o.Method, o.Path, reads)
		}
		if o.Query == nil {
			continue
		}
		for _, p := range described.Parameters {
			p = resolve(t, d, p).(map[string]any)
			if p["description"] == nil || p["description"] == "" {
				t.Errorf("%s %s: not a word about %v", o.Method, o.Path, p["name"])
			}
		}
	}
}

func TestDescriptionIsWellFormed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	d := s.description(t)
	if d.OpenAPI != "3.1.0" || d.Info.Title != "Parley" || d.Info.License.Identifier != "Apache-2.0" {
		t.Errorf("head: %s, %+v", d.OpenAPI, d.Info)
	}
	if diff := cmp.Diff(api.Codes(), d.ErrorCodes); diff != "" {
		t.Errorf("codes:\n%s", diff)
	}
	tags := map[string]bool{}
	for _, tag := range d.Tags {
		tags[tag.Name] = true
	}
	ids := map[string]string{}
	for path, methods := range d.Paths {
		for method, o := range methods {
			at := method + " " + path
			if other, taken := ids[o.OperationID]; taken || o.OperationID == "" {
				t.Errorf("%s: operationId %q, also of %q", at, o.OperationID, other)
			}
			ids[o.OperationID] = at
			if len(o.Tags) != 1 || !tags[o.Tags[0]] {
				t.Errorf("%s: tags %q", at, o.Tags)
			}
			if len(o.Responses) == 0 {
				t.Errorf("%s: no responses", at)
			}
			inPath := []string{}
			for _, p := range o.Parameters {
				p = resolve(t, d, p).(map[string]any)
				if p["in"] == "path" {
					inPath = append(inPath, fmt.Sprintf("{%s}", p["name"]))
				}
			}
			if diff := cmp.Diff(append([]string{}, regexp.MustCompile(`\{\w+\}`).FindAllString(path, -1)...), inPath); diff != "" {
				t.Errorf("%s: parameters of the path:\n%s", at, diff)
			}
		}
	}
	used := map[string]bool{}
	walk(d.root, func(object map[string]any) {
		if ref, ok := object["$ref"].(string); ok {
			used[ref] = true
			resolve(t, d, object)
		}
		required, _ := object["required"].([]any)
		fields, ok := object["properties"].(map[string]any)
		for _, name := range required {
			if _, known := fields[name.(string)]; ok && !known {
				t.Errorf("%v is required of %v", name, fields)
			}
		}
	})
	for name := range d.Components.Schemas {
		if !used["#/components/schemas/"+name] {
			t.Errorf("nothing refers to %s", name)
		}
	}
}

// walk visits every object of a JSON value.
func walk(value any, visit func(map[string]any)) {
	switch v := value.(type) {
	case map[string]any:
		visit(v)
		for _, inner := range v {
			walk(inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(inner, visit)
		}
	}
}

func TestDescriptionIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	first, err := rest.BuildOpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if again, _ := rest.BuildOpenAPI(); !bytes.Equal(first, again) {
			t.Fatal("it differs")
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, first); err != nil || !bytes.Equal(compact.Bytes(), first) {
		t.Errorf("not compact, or no JSON: %v", err)
	}
	if served := newServer(t).do(t, http.MethodGet, "/openapi.json", "").text; served != string(first) {
		t.Error("the server shows another one")
	}
}

func TestDescriptionIsCachedUntilItChanges(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	whole := s.do(t, http.MethodGet, "/openapi.json", "")
	tag := whole.header.Get("ETag")
	if whole.status != http.StatusOK || whole.header.Get("Content-Type") != "application/json" ||
		whole.header.Get("Cache-Control") == "" || whole.header.Get("Access-Control-Allow-Origin") != "*" ||
		!regexp.MustCompile(`^"[0-9a-f]{32}"$`).MatchString(tag) {
		t.Fatalf("%d, %v", whole.status, whole.header)
	}
	tests := map[string]struct {
		method, tag string
		status      int
		empty       bool
	}{
		"known":     {http.MethodGet, tag, http.StatusNotModified, true},
		"any":       {http.MethodGet, "*", http.StatusNotModified, true},
		"outdated":  {http.MethodGet, `"0"`, http.StatusOK, false},
		"head":      {http.MethodHead, "", http.StatusOK, true},
		"no method": {http.MethodPost, "", http.StatusMethodNotAllowed, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := s.do(t, test.method, "/openapi.json", "", "If-None-Match", test.tag)
			if r.status != test.status || (r.text == "") != test.empty {
				t.Errorf("%d, %d bytes", r.status, len(r.text))
			}
		})
	}
}

func TestDescriptionNamesTheVersionOfTheProgram(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../cmd/parley/version.go")
	if err != nil {
		t.Fatal(err)
	}
	version := newServer(t).description(t).Info.Version
	if !strings.Contains(string(source), fmt.Sprintf("const version = %q\n", version)) {
		t.Errorf("%s is not the version of cmd/parley", version)
	}
}

func TestDescriptionMarksOlderNamesAlone(t *testing.T) {
	t.Parallel()
	d := newServer(t).description(t)
	var marked []string
	for name, s := range d.Components.Schemas {
		s := s.(map[string]any)
		if s["deprecated"] == true {
			marked = append(marked, name)
		}
		fields, _ := s["properties"].(map[string]any)
		for field, f := range fields {
			if f.(map[string]any)["deprecated"] == true {
				marked = append(marked, name+"."+field)
			}
		}
	}
	slices.Sort(marked)
	want := []string{
		"AccountImportRequest.Identifier",
		"ForbidSendMsgRequest.ShutUpTime",
		"GetAppidGroupListRequest.Type",
		"GetJoinedGroupListRequest.Type",
		"GroupInfo.ShutUpAllMember",
		"JoinedGroup.ShutUpAllMember",
		"KickRequest.Identifier",
		"MemberInfo.ShutUpUntil",
		"ModifyGroupBaseInfoRequest.ShutUpAllMember",
		"ModifyGroupMemberInfoRequest.ShutUpTime",
		"MultiaccountImportRequest.Accounts",
		"SendGroupMsgRequest.MsgOnlineOnlyFlag",
		"ShuttedUin",
	}
	if diff := cmp.Diff(want, marked); diff != "" {
		t.Error(diff)
	}
}

// resolve follows the references of a part of the document.
func resolve(t *testing.T, d description, part any) any {
	t.Helper()
	for range 8 {
		object, _ := part.(map[string]any)
		ref, ok := object["$ref"].(string)
		if !ok {
			return part
		}
		part = d.root
		for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			object, _ := part.(map[string]any)
			if part = object[name]; part == nil {
				t.Fatalf("%s leads nowhere", ref)
			}
		}
	}
	t.Fatal("references without end")
	return nil
}
