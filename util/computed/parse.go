package computed

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/waymark-gps/waymark/data"
)

const (
	// MaxExpression bounds an expression in bytes, and with it its cost.
	MaxExpression = 4000
	// maxDepth bounds how deep parts of it lie in each other.
	maxDepth = 100
)

// Program is an expression ready to be computed, by any number of goroutines.
type Program struct {
	root  node
	names []string
}

// Compile reads an expression. Errors wrap data.ErrInvalid, say where and what
// is wrong, and are for people.
func Compile(expression string) (*Program, error) {
	if len(expression) > MaxExpression {
		return nil, invalid("the expression is longer than %d characters", MaxExpression)
	}
	tokens, err := lex(expression)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	root := p.choice()
	if t := p.peek(); p.err == nil && t.kind != end {
		p.fail(t, "%q is too much here", t.text)
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Program{root, p.names}, nil
}

// parser reads tokens by recursive descent; after an error it goes on with
// nodes that are never used.
type parser struct {
	tokens []token
	names  []string
	depth  int
	err    error
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes a symbol if it is next.
func (p *parser) accept(symbols ...string) (string, bool) {
	t := p.peek()
	if t.kind != symbol || !slices.Contains(symbols, t.text) {
		return "", false
	}
	p.take()
	return t.text, true
}

func (p *parser) expect(what string) {
	if _, ok := p.accept(what); ok {
		return
	}
	if t := p.peek(); t.kind == end {
		p.fail(t, "the expression ends where %q is missing", what)
	} else {
		p.fail(t, "%q is missing before %q", what, t.text)
	}
}

// fail keeps the first error and ends the reading.
func (p *parser) fail(t token, format string, args ...any) {
	if p.err == nil {
		p.err = invalid("column %d: %s", t.at, fmt.Sprintf(format, args...))
	}
	p.tokens = p.tokens[len(p.tokens)-1:]
}

// choice reads a ? b : c, a ?: b and a ?? b.
func (p *parser) choice() node {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.peek(), "the expression is too deep")
		return constant{}
	}
	defer func() { p.depth-- }()
	a := p.binary(0)
	switch op, _ := p.accept("?", "?:", "??"); op {
	case "?":
		b := p.choice()
		p.expect(":")
		return choose{a, b, p.choice()}
	case "?:":
		return otherwise{a, p.choice(), false}
	case "??":
		return otherwise{a, p.choice(), true}
	}
	return a
}

// levels are the operators of two sides, those that bind least first.
var levels = [][]string{
	{"||"}, {"&&"}, {"|"}, {"^"}, {"&"}, {"==", "!=", "=~", "!~", "=^", "=$"}, {"<", "<=", ">", ">="}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"},
}

func (p *parser) binary(level int) node {
	if level == len(levels) {
		return p.unary()
	}
	a := p.binary(level + 1)
	for {
		at := p.peek()
		op, ok := p.accept(levels[level]...)
		if !ok {
			return a
		}
		switch b := p.binary(level + 1); op {
		case "||", "&&":
			a = logic{a, b, op == "||"}
		case "=~", "!~":
			a = not(p.pattern(at, a, b), op == "!~")
		default:
			a = operation{operators[op], op, a, b}
		}
	}
}

func not(n node, is bool) node {
	if is {
		return negation{n}
	}
	return n
}

// pattern is a regular expression, which must be written out.
func (p *parser) pattern(at token, a, b node) node {
	c, _ := b.(constant)
	s, ok := c.Value.Text()
	if !ok {
		p.fail(at, "a pattern must be a text in quotes")
		return a
	}
	re, err := regexp.Compile("^(?:" + s + ")$")
	if err != nil {
		p.fail(at, "the pattern %q cannot be read: %v", s, err)
		return a
	}
	return match{a, re}
}

func (p *parser) unary() node {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.peek(), "the expression is too deep")
		return constant{}
	}
	defer func() { p.depth-- }()
	switch op, _ := p.accept("!", "-", "+", "~"); op {
	case "!":
		return negation{p.unary()}
	case "-":
		return operation{operators["-"], "-", constant{data.Int(0)}, p.unary()}
	case "+":
		return p.unary()
	case "~":
		return operation{operators["^"], "~", constant{data.Int(-1)}, p.unary()}
	}
	return p.primary()
}

func (p *parser) primary() node {
	switch t := p.take(); {
	case t.kind == number || t.kind == text:
		return constant{t.value}
	case t.kind == symbol && t.text == "(":
		n := p.choice()
		p.expect(")")
		return n
	case t.kind == name:
		return p.name(t)
	case t.kind == end:
		p.fail(t, "the expression ends where a value is missing")
	default:
		p.fail(t, "a value is missing before %q", t.text)
	}
	return constant{}
}

func (p *parser) name(t token) node {
	switch t.text {
	case "true", "false":
		return constant{data.Bool(t.text == "true")}
	case "null":
		return constant{}
	}
	if _, ok := p.accept("("); ok {
		return p.call(t)
	}
	if t.text == "empty" && p.peek().kind == name {
		return call{functions["empty"].f, "empty", []node{p.unary()}}
	}
	return p.variable(t.text)
}

// variable is a field of the position, or an attribute.
func (p *parser) variable(key string) node {
	if f := fields[key]; f != nil {
		return f
	}
	p.names = append(p.names, key)
	return attribute(key)
}

func (p *parser) call(t token) node {
	var args []node
	for !p.closes() {
		if args = append(args, p.choice()); !p.closes() {
			p.expect(",")
		}
	}
	p.expect(")")
	short := strings.TrimPrefix(strings.TrimPrefix(t.text, "math:"), "math.")
	if short == "attribute" {
		return p.attribute(t, args)
	}
	f, ok := functions[short]
	switch {
	case !ok:
		p.fail(t, "there is no function %q", t.text)
	case len(args) < f.least || len(args) > f.most:
		p.fail(t, "%s takes %s, not %d", t.text, f.takes(), len(args))
	}
	return call{f.f, t.text, args}
}

func (p *parser) closes() bool {
	return p.err != nil || p.peek().kind == symbol && p.peek().text == ")"
}

// attribute("key") is for keys that are no names.
func (p *parser) attribute(t token, args []node) node {
	if len(args) == 1 {
		if c, ok := args[0].(constant); ok && c.Value.Kind() == data.KindString {
			p.names = append(p.names, c.Value.String())
			return attribute(c.Value.String())
		}
	}
	p.fail(t, "attribute takes the name of an attribute in quotes")
	return constant{}
}
