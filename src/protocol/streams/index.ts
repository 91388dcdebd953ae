export {
  type AcceptedPortForward,
  type AcceptPortForwardOptions,
  acceptPortForward,
} from './accept-port-forward.ts'
export { type AcceptRemoteCommandOptions, acceptRemoteCommand } from './accept-remote-command.ts'
export { type DialRemoteCommandOptions, dialRemoteCommand } from './dial-remote-command.ts'
export { type DialSpdyRemoteCommandOptions, dialSpdyRemoteCommand } from './dial-spdy-remote-command.ts'
export { exitCodeOf, exitStatus, failureStatus, parseStatus, type V1StatusLike } from './exit-status.ts'
export {
  defaultLiveness,
  defaultStreamLimits,
  type LegOptions,
  type LivenessLimits,
  resolveLimits,
  type StreamLimits,
} from './limits.ts'
export { openPortForward, type ServePortForwardOptions, servePortForward } from './port-forward.ts'
export {
  channelProtocols,
  headerItems,
  PORT_FORWARD_PROTOCOL,
  PORT_FORWARD_TUNNEL_PROTOCOL,
  parseBearerSubprotocol,
  STREAM_PROTOCOL_HEADER,
  type SubprotocolBearer,
  spdyCommandProtocols,
} from './protocols.ts'
export { type PumpOptions, pumpRemoteCommand } from './pump.ts'
export { guardUpgradeSocket, refuseUpgrade } from './refuse-upgrade.ts'
export type {
  CommandStreams,
  RemoteCommandClient,
  RemoteCommandServer,
  TerminalSize,
} from './remote-command.ts'
export { createSpdyConnection, type SpdyConnection, type SpdyConnectionOptions } from './spdy/connection.ts'
export { SpdyStream } from './spdy/stream.ts'
export {
  awaitSpdyUpgrade,
  isSpdyUpgrade,
  isWebSocketUpgrade,
  spdyUpgradeHeaders,
  type UpgradedSocket,
  UpgradeRefusedError,
} from './spdy-upgrade.ts'
export { type StreamEnd, StreamError } from './stream-error.ts'
export { webSocketDuplex } from './ws-duplex.ts'
export { upgradeWebSocket, whenOpen } from './ws-upgrade.ts'
