package main

import (
	"fmt"
	"text/tabwriter"
)

// appsToken manages the tokens of an app.
type appsToken struct {
	Make   tokenMake   `cmd:"" default:"withargs" help:"Make a token and print it, once. This is also what the command does by itself."`
	List   tokenList   `cmd:"" help:"List the tokens without their secrets."`
	Revoke tokenRevoke `cmd:"" help:"Revoke a token."`
}

type tokenMake struct {
	writerFlags `embed:""`
	Name        string `name:"name" default:"token" placeholder:"NAME" help:"What people know it by."`
}

// Run makes a token. The secret alone goes to standard output, so that a script
// can keep it.
func (c *tokenMake) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	made, err := client.AddToken(e.ctx, c.Name)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, made)
	}
	fmt.Fprintf(e.stderr, "token %s (%s); it is shown this once\n", made.Id, plain(made.Name))
	_, err = fmt.Fprintln(e.stdout, made.Secret)
	return err
}

type tokenList struct {
	writerFlags `embed:""`
}

// Run lists tokens.
func (c *tokenList) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	list, err := client.Tokens(e.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.stdout, list)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tMADE")
	for _, t := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\n", t.Id, cell(t.Name), moment(t.CreatedAt*1000))
	}
	return w.Flush()
}

type tokenRevoke struct {
	writerFlags `embed:""`
	ID          string `arg:"" name:"id" help:"The token's id."`
}

// Run revokes a token.
func (c *tokenRevoke) Run(e *env) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if err := client.RemoveToken(e.ctx, c.ID); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "token %s is revoked\n", plain(c.ID))
	return nil
}
