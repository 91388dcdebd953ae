/** Header by which both sides of an SPDY upgrade name the protocol on it. */
export const STREAM_PROTOCOL_HEADER = 'X-Stream-Protocol-Version'

/** Port-forward over SPDY, and its opaque tunnel through WebSocket messages (kubernetes-face.md 22). */
export const PORT_FORWARD_PROTOCOL = 'portforward.k8s.io'
export const PORT_FORWARD_TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io'

/** What a WebSocket protocol of exec and attach means on the wire. */
export interface ChannelProtocol {
  /** base64 forms carry text messages: the channel as a digit, then base64. */
  base64: boolean
  /** v4 and later end with a JSON Status; before, the error channel carries plain text, and nothing for success. */
  jsonStatus: boolean
  /** v5 has CLOSE, [255, channel]. */
  closeFrames: boolean
}

/** The WebSocket protocols of exec and attach. `''` is a client that names none. */
export const channelProtocols: ReadonlyMap<string, ChannelProtocol> = new Map([
  ['v5.channel.k8s.io', { base64: false, jsonStatus: true, closeFrames: true }],
  ['v4.channel.k8s.io', { base64: false, jsonStatus: true, closeFrames: false }],
  ['v4.base64.channel.k8s.io', { base64: true, jsonStatus: true, closeFrames: false }],
  ['channel.k8s.io', { base64: false, jsonStatus: false, closeFrames: false }],
  ['base64.channel.k8s.io', { base64: true, jsonStatus: false, closeFrames: false }],
  ['', { base64: false, jsonStatus: false, closeFrames: false }],
])

/** What an SPDY protocol of exec and attach means: resizing came with v3, the JSON Status with v4; v5 is v4 here. */
export interface SpdyCommandProtocol {
  resize: boolean
  jsonStatus: boolean
}

/** The SPDY protocols of exec and attach, best first. */
export const spdyCommandProtocols: ReadonlyMap<string, SpdyCommandProtocol> = new Map([
  ['v5.channel.k8s.io', { resize: true, jsonStatus: true }],
  ['v4.channel.k8s.io', { resize: true, jsonStatus: true }],
  ['v3.channel.k8s.io', { resize: true, jsonStatus: false }],
  ['v2.channel.k8s.io', { resize: false, jsonStatus: false }],
  ['channel.k8s.io', { resize: false, jsonStatus: false }],
])

/** The items of a comma separated header, which may also be given several times. */
export function headerItems(value: string | string[] | undefined): string[] {
  const text = Array.isArray(value) ? value.join(',') : (value ?? '')
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** The client's first choice that is served, as API server and kubelet choose; undefined where there is none. */
export function negotiate(offered: string[], served: Iterable<string>): string | undefined {
  const set = new Set(served)
  return offered.find((protocol) => set.has(protocol))
}

const BEARER_PREFIX = 'base64url.bearer.authorization.k8s.io.'

/** A token that came among the subprotocols, and the real protocols beside it. */
export interface SubprotocolBearer {
  /** Undefined where no item carried one; the empty string where an item carried no valid base64url. */
  token: string | undefined
  /** The offered protocols without it: never answer with anything that is not among these. */
  protocols: string[]
}

/**
 * Takes the bearer token out of `Sec-WebSocket-Protocol`, as browsers send it
 * (`base64url.bearer.authorization.k8s.io.<base64url without padding>`, k8s.io/apiserver websocket.NewProtocolAuthenticator).
 * Two tokens are as bad as an invalid one: the token is then the empty string, which no check accepts.
 */
export function parseBearerSubprotocol(header: string | string[] | undefined): SubprotocolBearer {
  const offered = headerItems(header)
  const tokens = offered.filter((item) => item.startsWith(BEARER_PREFIX))
  const protocols = offered.filter((item) => !item.startsWith(BEARER_PREFIX))
  if (tokens.length === 0) return { token: undefined, protocols }
  const encoded = (tokens[0] as string).slice(BEARER_PREFIX.length)
  if (tokens.length > 1 || !/^[A-Za-z0-9_-]+$/.test(encoded)) return { token: '', protocols }
  const bytes = Buffer.from(encoded, 'base64url')
  const token = bytes.toString('utf8')
  return { token: Buffer.from(token, 'utf8').equals(bytes) ? token : '', protocols }
}
