/** What one leg of a stream may take. A leg that passes a limit is ended; nothing else is touched. */
export interface StreamLimits {
  /** Bytes that one leg may hold in memory, all its streams and both directions together; a session has two legs. */
  maxBufferedBytes: number
  /** Bytes that a single stream holds before its peer is paused. */
  windowBytes: number
  /** Largest WebSocket message. Kubernetes' own peers send 32 KiB; some clients send a whole stdin in one. */
  maxPayloadBytes: number
  /** Fragments of one WebSocket message (CVE-2026-48779: tiny fragments). */
  maxFragments: number
  /** Streams that may be open on one SPDY connection. */
  maxStreams: number
  /** Largest SPDY control frame, and largest header block once inflated. DATA is never held whole. */
  maxHeaderBytes: number
  /** How long the peer may take to open its streams, or to answer one that we open. */
  setupTimeoutMs: number
  /** How long after the last word the peer may take to close. */
  closeTimeoutMs: number
}

/** Kubernetes' own figures where it has any (30 s to open the streams). */
export const defaultStreamLimits: StreamLimits = {
  maxBufferedBytes: 8 << 20,
  windowBytes: 256 << 10,
  maxPayloadBytes: 4 << 20,
  maxFragments: 1024,
  maxStreams: 1024,
  maxHeaderBytes: 64 << 10,
  setupTimeoutMs: 30_000,
  closeTimeoutMs: 5_000,
}

/** How it is found out that the peer is still there. */
export interface LivenessLimits {
  /** No data in either direction for so long ends the stream (kubelet: 4 h). 0 = never. */
  idleTimeoutMs: number
  /** How often the peer is pinged (API server: 5 s). 0 = never. */
  pingIntervalMs: number
  /**
   * No sign of life for so long, pings answered or data, ends the stream. A kubectl that is suspended or whose
   * pager is not read answers nothing, so this is client-go's own 60 s and not two intervals; time in which
   * data waits to be read by either side does not count.
   */
  pongTimeoutMs: number
}

/** The defaults of `LivenessLimits`. */
export const defaultLiveness: LivenessLimits = {
  idleTimeoutMs: 4 * 3600_000,
  pingIntervalMs: 5_000,
  pongTimeoutMs: 60_000,
}

/** What every function that makes a leg accepts. */
export interface LegOptions extends Partial<LivenessLimits> {
  limits?: Partial<StreamLimits>
}

export function resolveLimits(limits: Partial<StreamLimits> | undefined): StreamLimits {
  return { ...defaultStreamLimits, ...limits }
}

export function resolveLiveness(options: Partial<LivenessLimits>): LivenessLimits {
  return {
    idleTimeoutMs: options.idleTimeoutMs ?? defaultLiveness.idleTimeoutMs,
    pingIntervalMs: options.pingIntervalMs ?? defaultLiveness.pingIntervalMs,
    pongTimeoutMs: options.pongTimeoutMs ?? defaultLiveness.pongTimeoutMs,
  }
}
