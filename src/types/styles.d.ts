/** Styles are gathered beside the program that imports them, and have no value. */
declare module '*.css'
