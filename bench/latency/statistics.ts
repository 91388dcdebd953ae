/** What a number of latencies in milliseconds come to. */
export interface Summary {
  count: number
  p50: number
  p99: number
}

/** Percentiles by the nearest rank; NaN of nothing. */
export function summarise(latencies: readonly number[]): Summary {
  const sorted = [...latencies].sort((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) }
}

/** Two decimals, or a dash. */
export function shown(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : '-'
}
