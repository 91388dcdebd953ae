export * from './list-pages.ts'
export * from './reflector.ts'
export * from './watch-once.ts'
