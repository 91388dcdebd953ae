export { type Runtime, startRuntime } from './runtime.ts'
export type { RequestToken, RuntimeOptions, ServiceAccountTokenRequest } from './types.ts'
