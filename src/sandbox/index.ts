export type { StaticToken } from './api/auth/authenticate.ts'
export type { Role } from './api/context.ts'
export type { FaultOptions } from './api/faults.ts'
export { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts'
