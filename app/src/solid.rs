//! Views without their types that the browser takes over in one go.
//!
//! Leptos can also take a page over in pieces, for code that arrives late, and makes a second,
//! asynchronous form of every view for that: a sixth of the whole program. Nothing within a page
//! of ours arrives late, so views become untyped here without that form. (Whole pages that arrive
//! late remain possible: those are routes, above all views of ours.)

use leptos::{
    attr::{Attribute, any_attribute::AnyAttribute},
    prelude::{AddAnyAttr, AnyView, IntoAny, Render, RenderHtml},
    tachys::{
        hydration::Cursor,
        ssr::StreamBuilder,
        view::{Position, PositionState},
    },
};

/// Makes a view untyped; to be used in the place of `into_any`.
pub trait Solid {
    /// The same view without its type.
    fn solid(self) -> AnyView;
}

impl<T: RenderHtml + Send + 'static> Solid for T {
    fn solid(self) -> AnyView {
        Whole(self).into_any()
    }
}

/// A view that is taken over whole: as the one in it, but for `hydrate_async`, which is left as
/// the trait has it and so does the same as `hydrate`.
struct Whole<T>(T);

impl<T: Render> Render for Whole<T> {
    type State = T::State;

    fn build(self) -> Self::State {
        self.0.build()
    }

    fn rebuild(self, state: &mut Self::State) {
        self.0.rebuild(state);
    }
}

impl<T: RenderHtml> AddAnyAttr for Whole<T> {
    type Output<SomeNewAttr: Attribute> = Self;

    /// Attributes are not spread onto views without a type.
    fn add_any_attr<NewAttr: Attribute>(self, _attr: NewAttr) -> Self::Output<NewAttr> {
        self
    }
}

impl<T: RenderHtml> RenderHtml for Whole<T> {
    type AsyncOutput = Whole<T::AsyncOutput>;
    type Owned = Whole<T::Owned>;

    const MIN_LENGTH: usize = T::MIN_LENGTH;
    const EXISTS: bool = T::EXISTS;

    fn dry_resolve(&mut self) {
        self.0.dry_resolve();
    }

    async fn resolve(self) -> Self::AsyncOutput {
        Whole(self.0.resolve().await)
    }

    fn html_len(&self) -> usize {
        self.0.html_len()
    }

    fn to_html_with_buf(
        self,
        buf: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.0
            .to_html_with_buf(buf, position, escape, mark_branches, extra_attrs);
    }

    fn to_html_async_with_buf<const OUT_OF_ORDER: bool>(
        self,
        buf: &mut StreamBuilder,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.0.to_html_async_with_buf::<OUT_OF_ORDER>(
            buf,
            position,
            escape,
            mark_branches,
            extra_attrs,
        );
    }

    // Once for both ways to get here.
    #[inline(never)]
    fn hydrate<const FROM_SERVER: bool>(
        self,
        cursor: &Cursor,
        position: &PositionState,
    ) -> Self::State {
        self.0.hydrate::<FROM_SERVER>(cursor, position)
    }

    fn into_owned(self) -> Self::Owned {
        Whole(self.0.into_owned())
    }
}
