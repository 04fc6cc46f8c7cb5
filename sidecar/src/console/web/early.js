// @ts-check
// The reader's choice of light or dark, before anything is painted.
document.documentElement.dataset.theme = localStorage.getItem('theme') || 'auto';
