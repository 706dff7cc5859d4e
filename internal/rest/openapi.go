package rest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/internal/command"
	"github.com/parley-im/parley/internal/manage"
)

// version is the release that the description names, the one of the program.
const version = "0.1.0"

const about = `Group messaging over the REST API of Tencent Cloud Chat (document 1047/34620).

Commands are answered with HTTP status 200 also when they fail: ActionStatus and ErrorCode of the answer tell. ` +
	`The codes are listed under x-error-codes. Status 503 without an envelope means that nobody knows what became of the call; ` +
	`a send can be repeated with the same Random without being delivered twice. ` +
	`Fields that are unknown are passed over, null is as good as absent. A body has at most 1 MB and a depth of 64.`

// The OpenAPI 3.1 objects that the description is made of.
type (
	document struct {
		OpenAPI    string                          `json:"openapi"`
		Info       info                            `json:"info"`
		Servers    []link                          `json:"servers"`
		Tags       []tag                           `json:"tags"`
		Paths      map[string]map[string]operation `json:"paths"` // by path and method
		Components components                      `json:"components"`
		ErrorCodes []api.CodeInfo                  `json:"x-error-codes"`
	}
	info struct {
		Title       string  `json:"title"`
		Summary     string  `json:"summary"`
		Description string  `json:"description"`
		License     license `json:"license"`
		Version     string  `json:"version"`
	}
	license struct {
		Name       string `json:"name"`
		Identifier string `json:"identifier"`
	}
	link struct {
		URL string `json:"url"`
	}
	tag struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	}
	operation struct {
		OperationID string                `json:"operationId"`
		Tags        []string              `json:"tags"`
		Summary     string                `json:"summary,omitempty"`
		Description string                `json:"description,omitempty"`
		Docs        *link                 `json:"externalDocs,omitempty"`
		Deprecated  bool                  `json:"deprecated,omitempty"`
		Parameters  []parameter           `json:"parameters,omitempty"`
		Body        *body                 `json:"requestBody,omitempty"`
		Responses   map[string]response   `json:"responses"`
		Security    []map[string][]string `json:"security"`
	}
	parameter struct {
		Ref         string  `json:"$ref,omitempty"`
		Name        string  `json:"name,omitempty"`
		In          string  `json:"in,omitempty"`
		Description string  `json:"description,omitempty"`
		Required    bool    `json:"required,omitempty"`
		Schema      *schema `json:"schema,omitempty"`
	}
	body struct {
		Required bool             `json:"required"`
		Content  map[string]media `json:"content"`
	}
	media struct {
		Schema schema `json:"schema"`
	}
	response struct {
		Ref         string            `json:"$ref,omitempty"`
		Description string            `json:"description,omitempty"`
		Headers     map[string]header `json:"headers,omitempty"`
		Content     map[string]media  `json:"content,omitempty"`
	}
	header struct {
		Ref         string  `json:"$ref,omitempty"`
		Description string  `json:"description,omitempty"`
		Schema      *schema `json:"schema,omitempty"`
	}
	components struct {
		Schemas    map[string]schema    `json:"schemas"`
		Parameters map[string]parameter `json:"parameters"`
		Responses  map[string]response  `json:"responses"`
		Headers    map[string]header    `json:"headers"`
		Security   map[string]security  `json:"securitySchemes"`
	}
	security struct {
		Type        string `json:"type"`
		In          string `json:"in,omitempty"`
		Name        string `json:"name,omitempty"`
		Scheme      string `json:"scheme,omitempty"`
		Description string `json:"description"`
	}
)

// openAPI is the description of this server as compact JSON. It depends on
// nothing but the source, so all doors of a process share one.
var openAPI = sync.OnceValue(func() []byte {
	text, err := command.Encode(describe())
	if err != nil {
		panic(err) // plain structs alone are written here
	}
	return text
})

// serveOpenAPI answers with a description, for pages of other origins too.
func serveOpenAPI(text []byte) http.HandlerFunc {
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("ETag", tag)
		h.Set("Access-Control-Allow-Origin", "*")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	}
}

// describe makes the description out of the route table.
func describe() document {
	s := &schemas{texts: readTexts(), types: map[string]reflect.Type{}, named: map[string]schema{}}
	d := document{
		OpenAPI: "3.1.0",
		Info: info{
			Title: "Parley", Summary: "A group-messaging backend that tells of every message it did not deliver.",
			Description: about, License: license{"Apache License 2.0", "Apache-2.0"}, Version: version,
		},
		Servers: []link{{"/"}},
		Tags: []tag{
			{"im_open_login_svc", "Accounts."},
			{"group_open_http_svc", "Groups, their members and their messages."},
			{"openconfigsvr", "Mutes of an account everywhere."},
			{"openim_dirty_words", "Words that no message may contain."},
			{"control", "What operators and programs do with a running server: events, endpoints, tokens and apps. An app's admins see and change their own app; those of the operator app all of them."},
			{"server", "The process itself."},
		},
		Paths:      map[string]map[string]operation{},
		ErrorCodes: api.Codes(),
	}
	for name, e := range routes {
		d.add("POST /v4/"+name, s.command(name, e))
	}
	for i := range manage.Operations {
		o := &manage.Operations[i]
		d.add(o.Method+" /v1"+o.Path, s.control(o))
	}
	for pattern, o := range openOperations() {
		d.add(pattern, o)
	}
	d.Components = s.components()
	return d
}

// add puts an operation to its pattern, method and path.
func (d *document) add(pattern string, o operation) {
	method, path, _ := strings.Cut(pattern, " ")
	if d.Paths[path] == nil {
		d.Paths[path] = map[string]operation{}
	}
	d.Paths[path][strings.ToLower(method)] = o
}

// source finds the number of a document of the protocol.
var source = regexp.MustCompile(`document\s1047/([0-9]+)`)

func (s *schemas) command(name string, e entry) operation {
	service, _, _ := strings.Cut(name, "/")
	o := operation{
		OperationID: strings.ReplaceAll(name, "/", "_"), Tags: []string{service},
		Summary: s.texts.Commands[name], Description: s.texts.Types[e.request.Name()][""], Deprecated: e.older,
		Parameters: append(callerParameters(), parameterRef("random"), parameterRef("contenttype")),
		Body:       jsonBody(s.of(e.request)),
		Security:   usersigNeeded,
	}
	if found := source.FindStringSubmatch(o.Description); found != nil {
		o.Docs = &link{"https://www.tencentcloud.com/document/product/1047/" + found[1]}
	}
	headers := map[string]header{api.HeaderRetryAfter: headerRef(api.HeaderRetryAfter)}
	if name == api.CommandSendGroupMsg {
		headers[api.HeaderEventID] = headerRef(api.HeaderEventID)
		headers[api.HeaderBeforeSend] = headerRef(api.HeaderBeforeSend)
	}
	answer := schema{AnyOf: []schema{s.of(e.response), {Ref: schemaPath + "Failure"}}}
	o.Responses = map[string]response{
		"200": {Description: "The answer, of a failure too.", Headers: headers, Content: jsonContent(answer)},
		"503": {Ref: "#/components/responses/Unknown"},
	}
	return o
}

// pathParameter finds the parameters in the path of a pattern.
var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

func (s *schemas) control(op *manage.Operation) operation {
	o := operation{
		OperationID: op.Name, Tags: []string{"control"}, Summary: s.texts.Methods[op.Name],
		Responses: map[string]response{
			"200":     {Description: "Done.", Content: jsonContent(s.of(op.Response))},
			"400":     {Ref: "#/components/responses/Fault"},
			"401":     {Ref: "#/components/responses/Fault"},
			"default": {Ref: "#/components/responses/Fault"},
		},
		Security: usersigNeeded,
	}
	for _, name := range pathParameter.FindAllStringSubmatch(op.Path, -1) {
		o.Parameters = append(o.Parameters, parameterRef(name[1]))
	}
	if op.Access == manage.Reads {
		o.Security = usersigOrToken
		o.Parameters = append(o.Parameters, parameterRef("callerApp"), parameterRef("callerAdmin"))
	} else {
		o.Parameters = append(o.Parameters, callerParameters()...)
	}
	if !strings.HasPrefix(op.Path, "/apps") {
		o.Parameters = append(o.Parameters, parameterRef("otherApp"))
	}
	if op.Query != nil {
		for f := range op.Query.Fields() {
			shape := s.of(f.Type)
			o.Parameters = append(o.Parameters, parameter{
				Name: manage.ParameterOf(f), In: "query", Description: s.texts.Types[op.Query.Name()][f.Name], Schema: &shape,
			})
		}
	}
	if op.Query == reflect.TypeFor[api.EventsRequest]() {
		o.Responses["409"] = response{
			Description: "The sequences belong to a journal that is no more.",
			Content:     jsonContent(s.of(reflect.TypeFor[api.EpochMoved]())),
		}
		o.Responses["503"] = response{
			Description: "Too many callers wait.", Headers: map[string]header{api.HeaderRetryAfter: headerRef(api.HeaderRetryAfter)},
			Content: jsonContent(schema{Ref: schemaPath + "Fault"}),
		}
	}
	if op.Request != nil {
		o.Body = jsonBody(s.of(op.Request))
	}
	return o
}

// openOperations are the addresses that anybody may use.
func openOperations() map[string]operation {
	text := map[string]media{"text/plain": {schema{Type: "string"}}}
	open := func(id, summary string, responses map[string]response) operation {
		return operation{
			OperationID: id, Tags: []string{"server"}, Summary: summary, Responses: responses,
			Security: []map[string][]string{},
		}
	}
	return map[string]operation{
		"GET /healthz": open("healthz", "Tells whether the process is alive.", map[string]response{
			"200": {Description: "It is.", Content: text},
			"503": {Description: "It is not, and why.", Content: text},
		}),
		"GET /readyz": open("readyz", "Tells whether the store takes writes.", map[string]response{
			"200": {Description: "It does.", Content: text},
			"503": {Description: "It does not, and why.", Content: text},
		}),
		"GET /openapi.json": open("openapi", "Describes this server.", map[string]response{
			"200": {Description: "This document.", Content: jsonContent(schema{Type: "object"})},
			"304": {Description: "It is the one that If-None-Match names."},
		}),
	}
}

// usersigNeeded is the security of what only an admin of an app may do.
var usersigNeeded = []map[string][]string{{"usersig": {}}}

// usersigOrToken is the security of what a token may do, too.
var usersigOrToken = []map[string][]string{{"usersig": {}}, {"token": {}}}

func callerParameters() []parameter {
	return []parameter{parameterRef("sdkappid"), parameterRef("identifier")}
}

func parameterRef(name string) parameter { return parameter{Ref: "#/components/parameters/" + name} }

func headerRef(name string) header { return header{Ref: "#/components/headers/" + name} }

func jsonContent(s schema) map[string]media { return map[string]media{"application/json": {s}} }

func jsonBody(s schema) *body { return &body{Required: true, Content: jsonContent(s)} }

// components are what the operations refer to; the shapes must be known by now.
func (s *schemas) components() components {
	id := schema{Type: "integer", Format: "int64", Minimum: new(uint64(1))}
	number := schema{Type: "integer", Format: "uint32", Minimum: new(uint64(0))}
	word := schema{Type: "string"}
	answer := s.of(reflect.TypeFor[api.Answer]())
	shapes := maps.Clone(s.named)
	code := shapes["Code"]
	code.Description = "The number of what went wrong, 0 for nothing; x-error-codes lists them. " +
		"10100 to 10200 are the app backend's own. Other numbers may be added."
	shapes["Code"] = code
	shapes["Failure"] = schema{
		Description: "The answer to a command that failed. Neither text nor code is ever empty.",
		AllOf:       []schema{answer, {Properties: properties{{"ActionStatus", schema{Const: api.StatusFail}}}, Required: []string{"ActionStatus"}}},
	}
	shapes["Fault"] = schema{
		Type: "object", Description: "Why a call of the control failed.",
		Properties: properties{{"ErrorCode", schema{Ref: schemaPath + "Code"}}, {"ErrorInfo", word}},
		Required:   []string{"ErrorCode", "ErrorInfo"},
	}
	return components{
		Schemas: shapes,
		Parameters: map[string]parameter{
			"sdkappid":    {Name: "sdkappid", In: "query", Description: "The app.", Required: true, Schema: &id},
			"identifier":  {Name: "identifier", In: "query", Description: "The calling admin's UserID, of printable ASCII.", Required: true, Schema: &schema{Type: "string", MinLength: 1, MaxLength: 32}},
			"random":      {Name: "random", In: "query", Description: "A number of the caller's choice. It is not looked at.", Schema: &number},
			"contenttype": {Name: "contenttype", In: "query", Description: "The form of the body.", Schema: &schema{Type: "string", Const: "json"}},
			"app":         {Name: "app", In: "path", Description: "The SDKAppID of the app that it is about.", Required: true, Schema: &id},
			"id":          {Name: "id", In: "path", Description: "The Id of the thing that it is about; of an event its EventId or its sequence.", Required: true, Schema: &word},
			"otherApp":    {Name: "app", In: "query", Description: "Another app than the caller's, for admins of the operator app.", Schema: &id},
			"callerApp":   {Name: "sdkappid", In: "query", Description: "The app; with a UserSig it is required.", Schema: &id},
			"callerAdmin": {Name: "identifier", In: "query", Description: "The calling admin's UserID; with a UserSig it is required.", Schema: &schema{Type: "string", MinLength: 1, MaxLength: 32}},
		},
		Responses: map[string]response{
			"Unknown": {
				Description: "Nobody knows what became of the call, or nothing began. There is no envelope.",
				Content:     map[string]media{"text/plain": {word}},
			},
			"Fault": {
				Description: "400 for a bad parameter, 401 for a caller who did not prove who he is, 403 for what he may not do, 404 for an app or a thing that is not there, 5xx for a fault of the server.",
				Content:     jsonContent(schema{Ref: schemaPath + "Fault"}),
			},
		},
		Headers: map[string]header{
			api.HeaderRetryAfter: {Description: "Seconds until another try may succeed.", Schema: &number},
			api.HeaderEventID:    {Description: "The event that tells the app backend of a refused send.", Schema: &word},
			api.HeaderBeforeSend: {
				Description: "The app backend was asked before the send and did not answer in time, so that the app's policy decided.",
				Schema:      &schema{Type: "string", Const: api.BeforeSendUnanswered},
			},
		},
		Security: map[string]security{
			"usersig": {
				Type: "apiKey", In: "query", Name: "usersig",
				Description: "The UserSig of the identifier, who must be an admin of the app (document 1047/34385).",
			},
			"token": {Type: "http", Scheme: "bearer", Description: "A token of the app, for reading."},
		},
	}
}
