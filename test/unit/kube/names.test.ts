import {
  parseContainerName,
  parseNamespaceName,
  parseNodeName,
  parseObjectName,
  parsePodName,
} from '../../../src/kube/names.ts'
import t from '../../support/tap.ts'

const bad = [
  '',
  '.',
  '..',
  '../x',
  '../../b/secrets/foo?',
  '%2e%2e',
  'a/b',
  'a\\b',
  'A',
  'a_b',
  '-a',
  'a-',
  'a..b',
  'a.-b',
  'a\n',
  '\na',
  'a\0',
  'ä',
  'a b',
  'a'.repeat(254),
  undefined,
  null,
  5,
  ['a'],
  { toString: () => 'a' },
]

t.test('no name but a DNS-1123 one is ever made', async (t) => {
  for (const parse of [
    parsePodName,
    parseNamespaceName,
    parseContainerName,
    parseObjectName,
    parseNodeName,
  ]) {
    for (const value of bad) {
      t.throws(() => parse(value, 'the.field'), {
        code: 'bad_request',
        details: { causes: [{ field: 'the.field' }] },
      })
    }
    t.equal(parse('a-1'), 'a-1')
    t.equal(parse('0'), '0')
  }
  t.throws(() => parsePodName('A', 'metadata.name', 'invalid'), { code: 'invalid' })
})

t.test('labels have up to 63 characters and no dot, subdomains up to 253', async (t) => {
  const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`
  for (const parse of [parseNamespaceName, parseContainerName]) {
    t.equal(parse('a'.repeat(63)).length, 63)
    t.throws(() => parse('a'.repeat(64)), { message: /no more than 63/ })
    t.throws(() => parse('a.b'))
  }
  t.equal(parsePodName(long).length, 253)
  t.throws(() => parsePodName(`${long}e`), { message: /no more than 253/ })
})

t.test('a megabyte is refused at once and not repeated in the error', async (t) => {
  const error = (() => {
    try {
      return parsePodName('a-'.repeat(524_288))
    } catch (error) {
      return error as Error
    }
  })()
  t.ok((error as Error).message.length < 1000)
})
