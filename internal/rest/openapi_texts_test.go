package rest_test

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write openapi_texts.json anew from the comments of package api")

// The description of the server speaks with the comments of package api.
func TestTextsOfDescriptionAreThoseOfTheSource(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(readComments(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi_texts.json", []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("openapi_texts.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("stale; write it anew with: go test ./internal/rest -run Texts -update\n%s", diff)
	}
}

type comments struct {
	Commands map[string]string
	Methods  map[string]string
	Types    map[string]map[string]string

	values map[string]string // of the constants
}

func readComments(t *testing.T) comments {
	t.Helper()
	c := comments{map[string]string{}, map[string]string{}, map[string]map[string]string{}, map[string]string{}}
	files, err := filepath.Glob("../../api/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source: %v", err)
	}
	var declared []ast.Decl
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		declared = append(declared, file.Decls...)
	}
	for _, d := range declared {
		c.readValues(d)
	}
	for _, d := range declared {
		switch d := d.(type) {
		case *ast.GenDecl:
			c.readTypes(d)
		case *ast.FuncDecl:
			c.readMethod(d)
		}
	}
	return c
}

func (c comments) readValues(d ast.Decl) {
	group, ok := d.(*ast.GenDecl)
	if !ok || group.Tok != token.CONST {
		return
	}
	for _, spec := range group.Specs {
		spec := spec.(*ast.ValueSpec)
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			value := literal.Value
			if text, err := strconv.Unquote(value); err == nil {
				value = text
			}
			c.values[spec.Names[0].Name] = value
		}
	}
}

func (c comments) readTypes(group *ast.GenDecl) {
	for _, spec := range group.Specs {
		spec, ok := spec.(*ast.TypeSpec)
		if !ok || !spec.Name.IsExported() {
			continue
		}
		name := spec.Name.Name
		if name == "Client" || strings.HasSuffix(name, "Error") {
			continue
		}
		texts := map[string]string{"": c.text(group.Doc, name)}
		if fields, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range fields.Fields.List {
				comment := field.Doc
				if comment == nil {
					comment = field.Comment
				}
				for _, name := range field.Names {
					if text := c.text(comment, name.Name); text != "" && name.Name != "Only" {
						texts[name.Name] = text
					}
				}
			}
		}
		c.Types[name] = texts
	}
}

func (c comments) readMethod(f *ast.FuncDecl) {
	if f.Recv == nil || !f.Name.IsExported() {
		return
	}
	if at, ok := f.Recv.List[0].Type.(*ast.StarExpr); !ok || at.X.(*ast.Ident).Name != "Client" {
		return
	}
	text := c.text(f.Doc, f.Name.Name)
	if command, ok := c.values["Command"+f.Name.Name]; ok {
		c.Commands[command] = text
	} else if f.Name.Name != "Call" {
		c.Methods[f.Name.Name] = text
	}
}

var (
	word    = regexp.MustCompile(`\b[A-Z]\w+`)
	nothing = strings.NewReplacer("a nil ", "an absent ", "A nil ", "An absent ", " nil ", " absent ")
)

// text makes a comment on name readable for those who know nothing of Go:
// without the name in front, with values in place of constants, in one line.
func (c comments) text(comment *ast.CommentGroup, name string) string {
	text := strings.Join(strings.Fields(comment.Text()), " ")
	if rest, ok := strings.CutPrefix(text, name+" "); ok {
		text = strings.TrimPrefix(strings.TrimPrefix(rest, "is "), "are ")
		first := []rune(text)
		first[0] = unicode.ToUpper(first[0])
		text = string(first)
	}
	text = word.ReplaceAllStringFunc(text, func(w string) string {
		if value, ok := c.values[w]; ok {
			return value
		}
		return w
	})
	return nothing.Replace(text)
}
