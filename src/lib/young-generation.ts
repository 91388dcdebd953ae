import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

const MIB = 1024 * 1024

/**
 * Stops V8's young generation from growing once it has `maxMiB`. Node 24 lets it grow to 134 MB, which a burst of
 * requests fills within a second and no quiet gives back; 16 MB cost a server no measurable CPU. V8 takes its limit
 * (`--max-semi-space-size`) at the start of the process alone, and the factor by which it grows at any time.
 * @returns the way to stop looking, for tests
 */
export function limitYoungGeneration(maxMiB: number): () => void {
  const observer = new PerformanceObserver(() => {
    if (youngGenerationBytes() < maxMiB * MIB) return
    setFlagsFromString('--semi-space-growth-factor=1')
    observer.disconnect()
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}

/** What V8 holds for new objects, both halves. */
export function youngGenerationBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0
}
