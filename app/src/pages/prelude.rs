//! The names that most pages of objects use.

pub use leptos::{prelude::*, task::spawn_local};
pub use leptos_router::hooks::use_query_map;
pub use model::{
    Kind,
    events::{Event, Topic},
    page::Page,
    permissions::{
        AuthorityManage, ClusterManage, HostManage, InterfaceFilterRemove, InvitationManage,
        ProviderManage, SiteManage, UserManage,
    },
};

pub use super::require_role::{require_role, restricted_page};
pub use super::tabbed_page::{Tab, tab_links, tabbed_page};
pub(crate) use crate::{
    bind,
    components::{
        action::Action,
        badge::{Tone, ago, badge, when},
        checkbox::Checkbox,
        delete_card::delete_card,
        facts::Facts,
        failure::FailureLine,
        form::{Choice, Entry, Field, FieldBinding, FormState, Refusals, options},
        form_values::form_values,
        host::host,
        icon::icon,
        list::{Filter, Filters, changed_url, list_keys, list_url, url_query},
        list_page::{
            ListPage, ListState, Search, format_count, list_page, list_view, paged, unpaged,
        },
        live_resource::{LiveResource, live_resource, live_resource_within},
        object_form::{
            SavedObject, action_form, create_form, form_page, prerequisite, preselected, save,
            save_call, settings_form,
        },
        page::{
            Copy, PageHead, Pager, Tabs, empty, list_skeleton, main_link, object_page,
            object_skeleton, usage_bar,
        },
        panel::{card, group, panel, panel_class, panels, tight_card},
        table::{
            Column, Rows, age_link, badge_column, column, error_note, live_column, main_column,
            muted, row_link, select_box, table, table_with, text, text_id, toggle, wide_column,
        },
        toast::Toasts,
    },
    erase::{Erase, act, reactive, reactive_if, reactive_option},
    server_fns::{self, RequestError},
    session::Session,
};
