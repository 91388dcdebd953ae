import { parseStrictYaml, YamlError } from '../../../../src/kube/yaml/index.ts'
import t from '../../../support/tap.ts'

t.test('YAML is read as kubectl reads it', async (t) => {
  const text = `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: "yes", version: '1' } }
spec:
  containers:
    - name: main
      tty: true
      args: [--a, "on", 1.5, ~, 0x10]
  # a comment
  volumes: [{ name: v, configMap: { name: c, defaultMode: 0644 } }]
  text: |
    two
    lines
`
  t.same(parseStrictYaml(text), {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', labels: { app: 'yes', version: '1' } },
    spec: {
      containers: [{ name: 'main', tty: true, args: ['--a', 'on', 1.5, null, 16] }],
      volumes: [{ name: 'v', configMap: { name: 'c', defaultMode: 0o644 } }],
      text: 'two\nlines\n',
    },
  })
  t.equal(parseStrictYaml(''), null)
  t.same(parseStrictYaml('{"a":{"b":[1,"c"]}}'), { a: { b: [1, 'c'] } }, 'JSON is YAML')
})

t.test('G5: what costs or says more than it seems is refused', async (t) => {
  const bomb = `a: &a [x, x]\n${Array.from({ length: 20 }, (_, i) => `b${i}: &b${i} [*a, *a]`).join('\n')}`
  for (const [text, why] of [
    [bomb, 'anchors'],
    ['a: *b', 'aliases'],
    ['a: 1\na: 2', 'duplicate key "a"'],
    ['m:\n  x: 1\n  "x": 2', 'duplicate key "x"'],
    ['<<: { a: 1 }', 'merge keys'],
    ['a: !!binary aGk=', 'tags'],
    ['a: !js/function x', 'tags'],
    ['1: a', 'no text'],
    ['? [a]\n: b', 'no text'],
    ['a: 1\n---\nb: 2', 'more than one document'],
    ['a: yes', 'boolean'],
    ['a: .inf', 'JSON'],
    ['a: [', 'line'],
    [`a: ${'['.repeat(200)}${']'.repeat(200)}`, 'deep'],
    ['['.repeat(20_000), 'line 1'],
  ] as const) {
    const label = text.slice(0, 30)
    try {
      parseStrictYaml(text)
      t.fail(`${label} was taken`)
    } catch (error) {
      t.ok(error instanceof YamlError, label)
      t.match((error as Error).message, why, label)
    }
  }
})

t.test('a key that names a prototype is a key like any other', async (t) => {
  const value = parseStrictYaml('__proto__: { polluted: 1 }') as object
  t.ok(Object.hasOwn(value, '__proto__'))
  t.equal(({} as { polluted?: number }).polluted, undefined)
})
