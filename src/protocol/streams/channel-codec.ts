/** Channels of exec and attach on a WebSocket (k8s.io/api remotecommand). */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

/** One more than the highest channel that Kubernetes knows. */
export const CHANNELS = 5

/** Largest payload that we put in one message: Kubernetes' peers read into 32 KiB buffers. */
export const MESSAGE_BYTES = 32 << 10

const ZERO = 0x30

/** The message that carries `payload` on `channel`. */
export function encodeMessage(channel: number, payload: Buffer, base64: boolean): Buffer {
  if (base64) return Buffer.from(String.fromCharCode(ZERO + channel) + payload.toString('base64'), 'latin1')
  const message = Buffer.allocUnsafe(payload.length + 1)
  message[0] = channel
  payload.copy(message, 1)
  return message
}

/** The channel of a message that is not empty. */
export function channelOf(message: Buffer, base64: boolean): number {
  const first = message[0] as number
  return base64 ? (first - ZERO) & 0xff : first
}

/** The payload of a message that is not empty; undefined where it is not base64 though it should be. */
export function payloadOf(message: Buffer, base64: boolean): Buffer | undefined {
  if (!base64) return message.subarray(1)
  const text = message.toString('latin1', 1)
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined
  return Buffer.from(text, 'base64')
}
