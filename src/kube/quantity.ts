import { IsthmusError } from '../protocol/errors/index.ts'

/**
 * Kubernetes quantities as exact integers in thousandths ("milli") of the unit: `cpu` 1 = 1000n, 1 byte = 1000n.
 * Milli is as fine as any resource list gets: API servers round those up to it (SetDefaults_ResourceList).
 * client-node's parser turns `1e400` into Infinity, takes `0x10` and `-5Gi`, and fails on `1.5Gi`
 * (gateways-and-threats.md F7).
 */
export type Milli = bigint

/** Kubernetes caps at 2^63-1 units (MaxAllowed of apimachinery's quantity); here more is refused. */
export const MAX_QUANTITY: Milli = (2n ** 63n - 1n) * 1000n

// Longer than anything real; what is longer is refused before any work that grows with its length.
const LENGTH_MAX = 64
const grammar = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(|[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)$/

const decimalExponent: Record<string, number> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
}
const binaryPower: Record<string, bigint> = { Ki: 1n, Mi: 2n, Gi: 3n, Ti: 4n, Pi: 5n, Ei: 6n }

function fault(field: string, value: unknown, why: string): IsthmusError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, LENGTH_MAX)) : String(value)
  const message = `Invalid value: ${shown}: ${why}`
  return new IsthmusError('invalid', `${field}: ${message}`, {
    causes: [{ field, reason: 'FieldValueInvalid', message }],
  })
}

/**
 * Reads a quantity, rounding up (away from zero) to thousandths as an API server does.
 * Accepts a string or a JSON number; refuses what is negative (unless told otherwise), above 2^63-1 units,
 * longer than 64 characters or outside the grammar.
 * @param field the path that the error names, such as `spec.containers[0].resources.requests.cpu`
 * @throws IsthmusError invalid
 */
export function parseQuantity(value: unknown, field: string, options?: { allowNegative?: boolean }): Milli {
  const text = typeof value === 'number' ? numberText(value, field) : value
  if (typeof text !== 'string') throw fault(field, typeof value, 'must be a quantity')
  if (text.length > LENGTH_MAX) throw fault(field, text, `must be no more than ${LENGTH_MAX} characters`)
  const match = grammar.exec(text)
  if (!match) {
    throw fault(
      field,
      text,
      'quantities must match the regular expression of Kubernetes, such as 500m or 1.5Gi',
    )
  }
  const [, sign, whole = '', fraction = '', bareFraction = '', suffix = ''] = match
  const decimals = fraction || bareFraction
  const mantissa = BigInt(whole + decimals || '0')
  const milli = scale(mantissa, decimals.length, suffix)
  if (milli === undefined || milli > MAX_QUANTITY) throw fault(field, text, 'must be less than 2^63')
  if (sign === '-' && milli > 0n) {
    if (!options?.allowNegative) throw fault(field, text, 'must be greater than or equal to 0')
    return -milli
  }
  return milli
}

function numberText(value: number, field: string): string {
  // JSON has lost the digits of a larger integer by now: 9007199254740993 arrives as …992.
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw fault(field, value, 'so large a number must be written as a string')
  }
  return String(value)
}

/** `mantissa / 10^decimals` with the suffix applied, in milli and rounded up; undefined when far too large. */
function scale(mantissa: bigint, decimals: number, suffix: string): bigint | undefined {
  if (mantissa === 0n) return 0n
  const binary = binaryPower[suffix]
  if (binary !== undefined) return divideUp(mantissa * 1024n ** binary * 1000n, 10n ** BigInt(decimals))
  const named = decimalExponent[suffix]
  const exponent = named ?? Number(suffix.slice(1)) // the grammar leaves digits alone; Infinity for very many
  const power = exponent - decimals + 3
  if (power > 2 * LENGTH_MAX) return undefined
  if (power < -2 * LENGTH_MAX) return 1n // above zero, and below a thousandth
  return power >= 0 ? mantissa * 10n ** BigInt(power) : divideUp(mantissa, 10n ** BigInt(-power))
}

function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor
}

const decimalSuffixes = ['', 'k', 'M', 'G', 'T', 'P', 'E']
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

/**
 * Writes a quantity in Kubernetes' canonical form: no fraction, the largest suffix that loses nothing.
 * `BinarySI` falls back to decimal for fractions and below 1024, as apimachinery does.
 */
export function formatQuantity(milli: Milli, format: 'DecimalSI' | 'BinarySI' = 'DecimalSI'): string {
  if (milli < 0n) return `-${formatQuantity(-milli, format)}`
  if (milli % 1000n !== 0n) return `${milli}m`
  let units = milli / 1000n
  const binary = format === 'BinarySI' && units >= 1024n
  const base = binary ? 1024n : 1000n
  const suffixes = binary ? binarySuffixes : decimalSuffixes
  let step = 0
  while (units !== 0n && units % base === 0n && step < suffixes.length - 1) {
    units /= base
    step += 1
  }
  return `${units}${suffixes[step]}`
}

/** Writes an amount of a quota resource: bytes (memory, storage, huge pages) in BinarySI, the rest in DecimalSI. */
export function formatAmount(resource: string, milli: Milli): string {
  return formatQuantity(milli, /memory|storage|hugepages-/.test(resource) ? 'BinarySI' : 'DecimalSI')
}
