export * from './memory-store.ts'
export * from './traits.ts'
export type * from './types.ts'
