export * from './error.ts'
export * from './problem.ts'
export * from './registry.ts'
export * from './status.ts'
