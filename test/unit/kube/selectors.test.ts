import fc from 'fast-check'
import {
  formatFieldSelector,
  formatLabelSelector,
  labelSelectorOf,
  matchesFields,
  matchesLabels,
  matchesValue,
  parseFieldSelector,
  parseLabelSelector,
} from '../../../src/kube/selectors/index.ts'
import t from '../../support/tap.ts'

t.test('rule 11: label selectors are read as API servers read them, and written anew', async (t) => {
  const cases: [string, string][] = [
    ['', ''],
    ['  ', ''],
    ['a', 'a'],
    ['!a', '!a'],
    ['! a', '!a'],
    ['a=b', 'a=b'],
    ['a==b', 'a=b'],
    [' a = b , c != d ', 'a=b,c!=d'],
    ['a=', 'a='],
    ['a!=', 'a!='],
    ['a=,b', 'a=,b'],
    ['a in (c,b,b)', 'a in (b,c)'],
    ['a in(b)', 'a=b'],
    ['a notin (b, c)', 'a notin (b,c)'],
    ['a in (,b)', 'a in (,b)'],
    ['a in ()', 'a='],
    ['a>1,b<-2', 'a>1,b<-2'],
    ['in in (in,notin)', 'in in (in,notin)'],
    ['app.kubernetes.io/name=web', 'app.kubernetes.io/name=web'],
  ]
  for (const [text, written] of cases) {
    t.equal(formatLabelSelector(parseLabelSelector(text)), written, text)
    t.same(parseLabelSelector(written), parseLabelSelector(text), `${text} again`)
  }
})

t.test('rule 11: what is no label selector is refused, never guessed', async (t) => {
  for (const text of [
    ',',
    'a,',
    ',a',
    'a,,b',
    'a b',
    'a=b c',
    '!a=b',
    '!',
    '=b',
    'a in b',
    'a in (b',
    'a in b)',
    'a in (b c)',
    'a>x',
    'a>',
    'a=b\\',
    'a=b\\,c',
    'a\n=b;',
    'a/b/c=d',
    '/a',
    'A.B/c',
    `a=${'b'.repeat(64)}`,
    `${'a'.repeat(64)}`,
    'a===b',
    'a=!b',
    'a=(b)',
    'isthmus.dev/node=x)',
    'a\0',
    'x'.repeat(20_000),
  ]) {
    t.throws(() => parseLabelSelector(text), { code: 'bad_request' }, JSON.stringify(text.slice(0, 50)))
  }
})

t.test('labels are matched as in Kubernetes: a missing one satisfies != and notin', async (t) => {
  const labels = { a: '1', b: '', n: '7' }
  const cases: [string, boolean][] = [
    ['', true],
    ['a=1', true],
    ['a=2', false],
    ['b=', true],
    ['c=', false],
    ['c!=x', true],
    ['c notin (x)', true],
    ['a notin (1)', false],
    ['a', true],
    ['!a', false],
    ['!c', true],
    ['n>6', true],
    ['n>7', false],
    ['n<8', true],
    ['a in (1,2),b', true],
    ['b>1', false],
    ['toString', false],
    ['!constructor', true],
  ]
  for (const [text, matches] of cases) t.equal(matchesLabels(parseLabelSelector(text), labels), matches, text)
  t.equal(matchesLabels(parseLabelSelector('!a'), undefined), true)
})

t.test('any label selector survives being written and read', async (t) => {
  const word = fc.stringMatching(/^[a-z0-9]([-a-z0-9_.]{0,8}[a-z0-9])?$/)
  const requirement = fc.oneof(
    fc.tuple(
      word,
      fc.constantFrom('In' as const, 'NotIn' as const),
      fc.array(word, { minLength: 1, maxLength: 3 }),
    ),
    fc.tuple(word, fc.constantFrom('Exists' as const, 'DoesNotExist' as const), fc.constant([] as string[])),
  )
  const selector = fc.array(
    requirement.map(([key, operator, values]) => ({ key, operator, values: [...new Set(values)].sort() })),
    { maxLength: 4 },
  )
  fc.assert(
    fc.property(selector, (selector) => {
      t.same(parseLabelSelector(formatLabelSelector(selector)), selector)
    }),
  )
  t.pass('holds')
})

t.test(
  "rule 11: a field selector's trailing backslash does not swallow what is joined behind it",
  async (t) => {
    for (const text of [
      'metadata.name=a\\',
      'metadata.name=a\\b',
      'a=b=c',
      'a',
      '=b',
      'a!b',
      'é=a',
      'a b=c',
      '=',
      'a=\\',
    ]) {
      t.throws(() => parseFieldSelector(text), { code: 'bad_request' }, text)
    }
    t.same(parseFieldSelector('metadata.name=a\\,b\\=c\\\\,status.phase!=Failed,'), [
      { field: 'metadata.name', operator: '=', value: 'a,b=c\\' },
      { field: 'status.phase', operator: '!=', value: 'Failed' },
    ])
    t.same(parseFieldSelector('spec.nodeName=='), [{ field: 'spec.nodeName', operator: '=', value: '' }])
    t.same(parseFieldSelector(''), [])
    fc.assert(
      fc.property(fc.array(fc.string()), (values) => {
        const selector = values.map((value) => ({ field: 'metadata.name', operator: '!=' as const, value }))
        t.same(parseFieldSelector(formatFieldSelector(selector)), selector)
      }),
    )
  },
)

t.test('fields are matched, a missing one counts as empty', async (t) => {
  const fields = (name: string) => ({ 'metadata.name': 'a' })[name]
  t.ok(matchesFields(parseFieldSelector('metadata.name=a,x='), fields))
  t.notOk(matchesFields(parseFieldSelector('metadata.name!=a'), fields))
  t.ok(matchesFields(parseFieldSelector('metadata.name!=b'), fields))
})

t.test('a selector of an object cannot smuggle in another requirement', async (t) => {
  t.equal(labelSelectorOf(undefined), undefined)
  t.same(labelSelectorOf({}), [])
  const matchExpressions = [
    { key: 'c', operator: 'NotIn', values: ['y', 'x'] },
    { key: 'd', operator: 'Exists' },
  ]
  t.equal(
    formatLabelSelector(labelSelectorOf({ matchLabels: { a: 'b' }, matchExpressions })!),
    'a=b,c notin (x,y),d',
  )
  for (const selector of [
    { matchLabels: { a: 'b,c' } },
    { matchLabels: { 'a,b': 'c' } },
    { matchExpressions: [{ key: 'a', operator: 'In', values: ['x)', 'y'] }] },
    { matchExpressions: [{ key: 'a', operator: 'In', values: [] }] },
    { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['x'] }] },
    { matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] },
  ]) {
    t.throws(() => labelSelectorOf(selector as object), { code: 'invalid' }, JSON.stringify(selector))
  }
})

t.test('an unchecked requirement holds for nothing where operator or number is none', async (t) => {
  const holds = (operator: string, values: string[] | undefined, value: string | undefined) =>
    matchesValue({ operator, values }, value)
  t.equal(holds('Gt', ['4'], '+5'), true)
  t.equal(holds('Lt', ['-1'], '-2'), true)
  for (const [operator, values, value] of [
    ['Gt', ['4'], '5.0'],
    ['Gt', ['4', '5'], '6'],
    ['Gt', [], '6'],
    ['Gt', undefined, '6'],
    ['Gt', ['x'], '6'],
    ['Gt', ['1'], '9'.repeat(40)],
    ['gt', ['4'], '5'],
    ['Near', ['4'], '4'],
  ] as const)
    t.equal(holds(operator, values && [...values], value), false, `${value} ${operator} ${values}`)
  t.equal(holds('In', undefined, 'a'), false)
  t.equal(holds('NotIn', undefined, 'a'), true)
})
