import type { LivenessLimits } from './limits.ts'
import { StreamError } from './stream-error.ts'

/** Watches one leg for a dead or idle peer. */
export interface Liveness {
  /** Data moved, in either direction: the stream is not idle. */
  moved(): void
  /** The peer was heard: data, a pong, anything. What we send says nothing about the peer. */
  heard(): void
  stop(): void
}

export interface LivenessHooks {
  ping(): void
  /** Whether data waits to be taken by either side: then a missing answer says nothing. */
  blocked(): boolean
  fail(error: StreamError): void
}

/** Starts the watch; it never keeps the process alive. */
export function watchLiveness(limits: LivenessLimits, hooks: LivenessHooks): Liveness {
  const { idleTimeoutMs, pingIntervalMs, pongTimeoutMs } = limits
  const periods = [idleTimeoutMs, pingIntervalMs].filter((period) => period > 0)
  let lastMove = performance.now()
  let lastHeard = lastMove
  const period = periods.length > 0 ? Math.min(...periods) : 0
  let lastCheck = lastMove
  const check = () => {
    const now = performance.now()
    // What this process slept through (a stalled loop, a suspended machine) is not the peer's silence.
    const stall = now - lastCheck - period
    lastCheck = now
    if (stall > period) {
      lastMove += stall
      lastHeard += stall
    }
    if (idleTimeoutMs > 0 && now - lastMove >= idleTimeoutMs) {
      hooks.fail(new StreamError('idle', `no data for ${idleTimeoutMs} ms`))
      return
    }
    if (pingIntervalMs <= 0) return
    if (hooks.blocked()) lastHeard = now
    if (now - lastHeard >= pongTimeoutMs) {
      hooks.fail(new StreamError('unresponsive', `no answer to pings for ${pongTimeoutMs} ms`))
      return
    }
    hooks.ping()
  }
  const timer = period > 0 ? setInterval(check, period).unref() : undefined
  return {
    moved() {
      lastMove = performance.now()
    },
    heard() {
      lastHeard = performance.now()
    },
    stop: () => clearInterval(timer),
  }
}
