/** How the store is searched for words; all that is written has to be there. */
export const SEARCH_HINT = 'word, begin*, "a phrase", -not';
