/** Shows below a text area how much of its `data-limit` is used. */
export function countCharacters(area) {
  const counter = document.createElement('span');
  counter.className = 'counter';
  counter.setAttribute('aria-hidden', 'true'); // The limit is in the hint, read once.
  const limit = Number(area.dataset.limit);
  const show = () => {
    const length = [...area.value.trim().normalize('NFC')].length;
    counter.textContent = `${length.toLocaleString()} / ${limit.toLocaleString()}${area.dataset.unit}`;
    counter.classList.toggle('over', length > limit);
  };
  area.addEventListener('input', show);
  area.after(counter);
  show();
}
