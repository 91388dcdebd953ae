import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { formatAmount, formatQuantity, MAX_QUANTITY, parseQuantity } from '../../../src/kube/quantity.ts'
import t from '../../support/tap.ts'

interface Fixture {
  text: string
  milli?: string
  canonical?: string
}

const fixtures: Fixture[] = JSON.parse(
  readFileSync(new URL('fixtures/quantities.generated.json', import.meta.url), 'utf8'),
)

/** Milli of a decimal string such as `0.001`, by moving the point. */
function milliOf(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.padEnd(3, '0'))
}

t.test('F7: the same texts as in Kubernetes are taken, with the same value', async (t) => {
  let taken = 0
  let refused = 0
  for (const { text, milli } of fixtures) {
    // Kubernetes takes a suffix without any digit (`n`, `.Ki`) for zero; here a quantity has a number.
    if (milli === undefined || !/\d/.test(text.replace(/[eE].*/, ''))) {
      t.throws(
        () => parseQuantity(text, 'f', { allowNegative: true }),
        { code: 'invalid' },
        JSON.stringify(text),
      )
      refused += 1
    } else if (milliOf(milli) > MAX_QUANTITY || capped(text, milli)) {
      t.throws(() => parseQuantity(text, 'f', { allowNegative: true }), { code: 'invalid' }, text)
    } else {
      t.equal(parseQuantity(text, 'f', { allowNegative: true }), milliOf(milli), text)
      taken += 1
    }
  }
  t.ok(taken > 250 && refused > 250, `${taken} taken, ${refused} refused`)
})

/** Kubernetes caps what is too large; here it is refused. */
function capped(text: string, milli: string): boolean {
  return milli.startsWith('9223372036854775807') && text !== milli
}

t.test('F7: what is negative, without bound or no quantity is refused with its field', async (t) => {
  const texts = [
    '1e400',
    'Infinity',
    'NaN',
    '0x10',
    '-5Gi',
    '',
    ' ',
    '1,5',
    '９',
    '1e',
    'e5',
    '--1',
    '+-1',
    '1_000',
  ]
  const others = [null, undefined, {}, [], true, Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300, 2 ** 53]
  for (const value of [...texts, ...others, '9223372036854775808', '8Ei', `1e${'9'.repeat(40)}`]) {
    t.throws(
      () => parseQuantity(value, 'spec.x'),
      { code: 'invalid', details: { causes: [{ field: 'spec.x', reason: 'FieldValueInvalid' }] } },
      String(value),
    )
  }
  t.equal(parseQuantity('-5Gi', 'f', { allowNegative: true }), -5n * 1024n ** 3n * 1000n)
})

t.test('F7: nothing is rounded that fits: 2^53+1 and 2^63-1', async (t) => {
  t.equal(parseQuantity('9007199254740993', 'f'), 9007199254740993000n)
  t.equal(parseQuantity('9223372036854775807', 'f'), MAX_QUANTITY)
  t.equal(parseQuantity(0.1, 'f'), 100n)
  t.equal(parseQuantity(2, 'f'), 2000n)
})

t.test('F7: a megabyte of digits is refused without working through it', async (t) => {
  const started = performance.now()
  for (const text of ['1'.repeat(1 << 20), `0.${'0'.repeat(1 << 20)}1`, `1e${'1'.repeat(1 << 20)}`]) {
    t.throws(() => parseQuantity(text, 'f'), { code: 'invalid' })
  }
  t.ok(performance.now() - started < 500)
})

t.test('the canonical form is the one of Kubernetes', async (t) => {
  for (const { text, milli, canonical } of fixtures) {
    if (canonical === undefined || milli === undefined || capped(text, milli)) continue
    if (canonical === text) continue // kept as it came, canonical or not (`+5`)
    if (/e/i.test(canonical) && /\d[eE]/.test(canonical)) continue // exponents are kept by format, which is not told here
    const value = milliOf(milli)
    if (value > MAX_QUANTITY || value < -MAX_QUANTITY) continue
    t.equal(formatQuantity(value, text.endsWith('i') ? 'BinarySI' : 'DecimalSI'), canonical, text)
  }
})

t.test('what is written is read as the same', async (t) => {
  const milli = fc.bigInt(0n, MAX_QUANTITY)
  const format = fc.constantFrom('DecimalSI' as const, 'BinarySI' as const)
  fc.assert(
    fc.property(
      milli,
      format,
      (value, format) => parseQuantity(formatQuantity(value, format), 'f') === value,
    ),
  )
  t.equal(formatAmount('requests.memory', 1024n ** 3n * 1000n), '1Gi')
  t.equal(formatAmount('requests.cpu', 1500n), '1500m')
  t.equal(formatAmount('pods', 10_000n), '10')
})
